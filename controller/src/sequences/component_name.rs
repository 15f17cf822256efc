//! The name by which a conductor asks for a component. Whether there is such an action is not known here.

use whirl_model::{ActionPath, Json, Namespace};

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
