//! The names of components: those that a client writes into a sequence, and those by which a conductor asks for one.
//! Whether there is such an action is not known here.

use whirl_model::{ActionPath, Json, Namespace};

use crate::api_error::ApiError;

/// The component that a client names: `/NS/NAME` or `/NS/PACKAGE/NAME`, with `_` for the caller's namespace.
pub(crate) fn component(name: &str, caller: &Namespace) -> Result<ActionPath, ApiError> {
    let absolute = name.strip_prefix('/').unwrap_or(name);
    let named = match absolute.strip_prefix("_/") {
        Some(rest) => format!("{caller}/{rest}"),
        None => absolute.to_owned(),
    };
    if named.split('/').any(str::is_empty) {
        return Err(ApiError::malformed(format!("The component name '{name}' is malformed.")));
    }
    Ok(named.parse()?)
}

/// The action that a conductor names: `NAME` and `PACKAGE/NAME` are the caller's own, `/NS/NAME`,
/// `/NS/PACKAGE/NAME` and `NS/PACKAGE/NAME` absolute, with `_` for the caller's namespace. `None` for anything
/// else.
pub(super) fn component_path(name: &Json, caller: &Namespace) -> Option<ActionPath> {
    let text = name.to_text()?;
    let segments: Vec<&str> = text.split('/').collect();
    let (namespace, package, name) = match segments[..] {
        [name] => ("_", None, name),
        [package, name] if !package.is_empty() => ("_", Some(package), name),
        ["", namespace, name] => (namespace, None, name),
        [namespace, package, name] | ["", namespace, package, name] => (namespace, Some(package), name),
        _ => return None,
    };
    let namespace = if namespace == "_" { caller.clone() } else { namespace.parse().ok()? };
    let package = package.map(str::parse).transpose().ok()?;
    Some(ActionPath { namespace, package, name: name.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_have_full_names() {
        let read = |name: &str| component(name, &"alice".parse().unwrap()).map(|path| path.to_string());
        for (name, path) in [
            ("/_/a", "alice/a"),
            ("_/a", "alice/a"),
            ("/_/p/a", "alice/p/a"),
            ("/bob/a", "bob/a"),
            ("bob/p/a", "bob/p/a"),
        ] {
            assert_eq!(read(name).unwrap(), path);
        }
        for bad in ["", "/", "a", "/a", "/a/", "//a", "/a//b", "/a/b/c/d", "/a/b!", "/_/"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_relative_or_absolute() {
        let path = |json: &str| {
            let path = component_path(&Json::parse(json).unwrap(), &"alice".parse().unwrap());
            path.map(|path| path.to_string())
        };
        for (name, found) in [
            (r#""a""#, "alice/a"),
            (r#""p/a""#, "alice/p/a"),
            (r#""/bob/a""#, "bob/a"),
            (r#""/_/a""#, "alice/a"),
            (r#""/bob/p/a""#, "bob/p/a"),
            (r#""bob/p/a""#, "bob/p/a"),
            (r#""_/p/a""#, "alice/p/a"),
        ] {
            assert_eq!(path(name).as_deref(), Some(found), "{name}");
        }
        for bad in [
            r#""""#,
            r#""/a""#,
            r#""/""#,
            r#""/a/b/c/d""#,
            r#""a/b/c/d""#,
            r#""a/""#,
            r#""/a/""#,
            r#""//a""#,
            r#""a!""#,
            r#""p//a""#,
            "1",
            "null",
            r#"{"a":1}"#,
            r#"["a"]"#,
        ] {
            assert_eq!(path(bad), None, "{bad}");
        }
    }
}
