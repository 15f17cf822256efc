//! What a client may ask an action to execute, checked against the runtimes there are.

use serde::Deserialize;
use whirl_model::runtimes::Runtime;
use whirl_model::{Code, Exec, Kind, Namespace, RuntimeManifest};

use crate::api_error::ApiError;
use crate::runtimes::runtime_of;
use crate::sequences;

/// The member `exec` as clients send it. What else they put there (`binary`, for one) is ignored.
#[derive(Debug, Deserialize)]
pub(super) struct ExecBody {
    kind: String,
    code: Option<String>,
    /// What `code` was called for Java once.
    jar: Option<String>,
    image: Option<String>,
    components: Option<Vec<String>>,
    main: Option<String>,
}

impl ExecBody {
    /// The exec that this asks for; components whose namespace is `_` are the caller's.
    pub(super) fn resolve(self, manifest: &RuntimeManifest, caller: &Namespace) -> Result<Exec, ApiError> {
        let kind = Kind::new(&self.kind);
        match kind.as_str() {
            "blackbox" => self.blackbox(),
            "sequence" => self.sequence(caller),
            _ => self.runtime(runtime_of(manifest, &kind)?),
        }
    }

    fn blackbox(self) -> Result<Exec, ApiError> {
        let image = self.image.ok_or_else(|| ApiError::malformed("A blackbox action needs an 'image'."))?;
        let image = image
            .parse()
            .map_err(|error: whirl_model::image::ImageNameError| ApiError::malformed(error.to_string()))?;
        let code = self.code.filter(|code| !code.is_empty()).map(|code| Code::new(&code));
        Ok(Exec::Blackbox { image, code, main: self.main })
    }

    fn sequence(self, caller: &Namespace) -> Result<Exec, ApiError> {
        let names = self.components.ok_or_else(|| ApiError::malformed("A sequence needs 'components'."))?;
        let components = names.iter().map(|name| sequences::component(name, caller));
        Ok(Exec::Sequence { components: components.collect::<Result<_, _>>()? })
    }

    fn runtime(self, runtime: &Runtime) -> Result<Exec, ApiError> {
        let kind = &runtime.kind;
        let code = self.code.or(self.jar);
        let code =
            code.ok_or_else(|| ApiError::malformed(format!("An action of kind '{kind}' needs 'code'.")))?;
        if runtime.require_main && self.main.as_deref().unwrap_or_default().is_empty() {
            return Err(ApiError::malformed(format!("An action of kind '{kind}' needs 'main'.")));
        }
        Ok(Exec::Runtime { kind: kind.clone(), code: Code::new(&code), main: self.main })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"{"runtimes":{
        "nodejs":[{"kind":"nodejs:18","image":{"name":"n18"},"deprecated":true},
                  {"kind":"nodejs:20","image":{"name":"n20"},"default":true}],
        "java":[{"kind":"java:8","image":{"name":"j8"},"requireMain":true}]}}"#;

    fn resolve(text: &str) -> Result<Exec, String> {
        let body: ExecBody = serde_json::from_str(text).map_err(|e| e.to_string())?;
        body.resolve(&RuntimeManifest::parse(MANIFEST).unwrap(), &"alice".parse().unwrap())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn kinds_resolve_to_concrete_ones() {
        for (text, kind, binary) in [
            (r#"{"kind":"nodejs:20","code":"x","binary":true}"#, "nodejs:20", false),
            (r#"{"kind":" NodeJS:Default ","code":"YWJj","main":"m"}"#, "nodejs:20", true),
            (r#"{"kind":"java:8","jar":"YWJj","main":"Hello"}"#, "java:8", true),
            (r#"{"kind":"nodejs:20","code":""}"#, "nodejs:20", false),
            (r#"{"kind":"blackbox","image":"me/mine","code":""}"#, "blackbox", false),
        ] {
            let exec = resolve(text).unwrap();
            assert_eq!((exec.kind().as_str(), exec.is_binary()), (kind, binary), "{text}");
        }
        assert!(resolve(r#"{"kind":"blackbox","image":"me/mine","code":""}"#).unwrap().code().is_none());
    }

    #[test]
    fn components_of_a_sequence_are_absolute() {
        let exec = resolve(r#"{"kind":"sequence","components":["/_/a","/bob/util/b","alice/c"]}"#).unwrap();
        let components = exec.components().unwrap().iter().map(ToString::to_string);
        assert_eq!(components.collect::<Vec<_>>(), ["alice/a", "bob/util/b", "alice/c"]);
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        for (text, why) in [
            (
                r#"{"kind":"Cobol:60","code":"x"}"#,
                "The specified runtime 'cobol:60' is not supported by this platform",
            ),
            (r#"{"kind":"nodejs:18","code":"x"}"#, "deprecated"),
            (r#"{"kind":"nodejs:20"}"#, "needs 'code'"),
            (r#"{"kind":"nodejs:20","code":null}"#, "needs 'code'"),
            (r#"{"kind":"java:8","code":"x"}"#, "needs 'main'"),
            (r#"{"kind":"blackbox"}"#, "needs an 'image'"),
            (r#"{"kind":"blackbox","image":"No Such"}"#, "not the name of a container image"),
            (r#"{"kind":"sequence"}"#, "needs 'components'"),
            (r#"{"kind":"sequence","components":["b"]}"#, "b"),
            (r#"{"kind":"sequence","components":["/_/b!"]}"#, "b!"),
            (r#"{"kind":"sequence","components":[1]}"#, "string"),
            (r#"{"code":"x"}"#, "kind"),
            (r#"{"kind":"nodejs:20","code":1}"#, "string"),
        ] {
            let error = resolve(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
