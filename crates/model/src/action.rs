//! The action entity and its JSON forms: what clients get, what lists show, what the store keeps.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::exec::Code;
use crate::{
    ActionLimits, ActionPath, DocId, EntityName, EntityPath, Exec, ImageName, Json, Kind, Parameters,
    Timestamp, Version,
};

/// An action as it is stored and run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Where it lives.
    pub path: ActionPath,
    /// Its version, raised by every change.
    pub version: Version,
    /// Kept for clients; sharing goes by package.
    pub publish: bool,
    /// What it executes.
    pub exec: Exec,
    /// Default arguments.
    pub parameters: Parameters,
    /// Notes for users, clients and the platform.
    pub annotations: Parameters,
    /// What it may use.
    pub limits: ActionLimits,
    /// When it was last written.
    pub updated: Timestamp,
}

impl Action {
    /// The id of its document.
    #[must_use]
    pub fn doc_id(&self) -> DocId {
        DocId::from(&self.path)
    }

    /// Whether runs of the action get the caller's key: the annotation `provide-api-key` is truthy or missing
    /// (actions older than the annotation rely on the key).
    #[must_use]
    pub fn wants_api_key(&self) -> bool {
        self.annotations.get("provide-api-key").is_none_or(Json::is_truthy)
    }

    /// The names of parameters that go to the environment at `/init`.
    #[must_use]
    pub fn init_parameters(&self) -> Vec<String> {
        self.parameters.iter().filter(|p| p.init).map(|p| p.key.clone()).collect()
    }

    /// The reply to GET and PUT; without `exec.code` if `with_code` is false.
    #[must_use]
    pub fn to_json(&self, with_code: bool) -> Json {
        Json::of(&ActionJson::of(self, with_code.then(|| self.exec.code()).flatten()))
    }

    /// The reply to GET without code through a binding, which it names.
    #[must_use]
    pub fn to_json_through(&self, binding: &EntityPath) -> Json {
        Json::of(&ActionJson { binding: Some(binding), ..ActionJson::of(self, None) })
    }

    /// The entry in lists: no code, no parameters.
    #[must_use]
    pub fn to_summary(&self) -> Json {
        #[derive(Serialize)]
        struct BinaryOnly {
            binary: bool,
        }
        #[derive(Serialize)]
        struct Summary<'a> {
            namespace: String,
            name: &'a EntityName,
            version: Version,
            publish: bool,
            annotations: &'a Parameters,
            limits: ActionLimits,
            exec: BinaryOnly,
            updated: Timestamp,
        }
        Json::of(&Summary {
            namespace: self.path.parent(),
            name: &self.path.name,
            version: self.version,
            publish: self.publish,
            annotations: &self.annotations,
            limits: self.limits.clone(),
            exec: BinaryOnly { binary: self.exec.is_binary() },
            updated: self.updated,
        })
    }

    /// The document without its code, which stores keep beside it.
    #[must_use]
    pub fn to_document(&self) -> Json {
        Json::of(&ActionJson::of(self, None))
    }

    /// The action of a stored document and the code kept beside it.
    ///
    /// # Errors
    /// When the document is not an action's.
    pub fn from_document(body: &Json, code: Option<&str>) -> Result<Self, serde_json::Error> {
        let read: ActionDocument = serde_json::from_str(body.as_str())?;
        let code = code.map(Code::new);
        let exec = match (read.exec.components, read.exec.image) {
            (Some(components), _) => Exec::Sequence { components },
            (None, Some(image)) => Exec::Blackbox { image, code, main: read.exec.main },
            (None, None) => Exec::Runtime {
                kind: read.exec.kind,
                code: code.unwrap_or_else(|| Code::new("")),
                main: read.exec.main,
            },
        };
        Ok(Self {
            path: ActionPath::from_parent(&read.namespace, read.name).map_err(serde::de::Error::custom)?,
            version: read.version,
            publish: read.publish,
            exec,
            parameters: read.parameters,
            annotations: read.annotations,
            limits: read.limits,
            updated: read.updated,
        })
    }
}

#[derive(Serialize)]
struct ActionJson<'a> {
    namespace: String,
    name: &'a EntityName,
    version: Version,
    publish: bool,
    exec: ExecJson<'a>,
    parameters: &'a Parameters,
    annotations: &'a Parameters,
    limits: ActionLimits,
    updated: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<&'a EntityPath>,
}

impl<'a> ActionJson<'a> {
    fn of(action: &'a Action, code: Option<&'a Code>) -> Self {
        Self {
            namespace: action.path.parent(),
            name: &action.path.name,
            version: action.version,
            publish: action.publish,
            exec: ExecJson { exec: &action.exec, code },
            parameters: &action.parameters,
            annotations: &action.annotations,
            limits: action.limits.clone(),
            updated: action.updated,
            binding: None,
        }
    }
}

struct ExecJson<'a> {
    exec: &'a Exec,
    code: Option<&'a Code>,
}

impl Serialize for ExecJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", &self.exec.kind())?;
        if let Some(components) = self.exec.components() {
            let names: Vec<String> = components.iter().map(|path| format!("/{path}")).collect();
            map.serialize_entry("components", &names)?;
            return map.end();
        }
        if let Some(image) = self.exec.image() {
            map.serialize_entry("image", image)?;
        }
        if let Some(code) = self.code {
            map.serialize_entry("code", code.as_str())?;
        }
        map.serialize_entry("binary", &self.exec.is_binary())?;
        if let Some(main) = self.exec.main() {
            map.serialize_entry("main", main)?;
        }
        map.end()
    }
}

#[derive(Deserialize)]
struct ActionDocument {
    namespace: String,
    name: EntityName,
    version: Version,
    publish: bool,
    exec: ExecDocument,
    parameters: Parameters,
    annotations: Parameters,
    limits: ActionLimits,
    updated: Timestamp,
}

#[derive(Deserialize)]
struct ExecDocument {
    kind: Kind,
    image: Option<ImageName>,
    main: Option<String>,
    components: Option<Vec<ActionPath>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Action {
        Action {
            path: "alice/util/hello".parse().unwrap(),
            version: Version::FIRST,
            publish: false,
            exec: Exec::Runtime {
                kind: Kind::new("nodejs:20"),
                code: Code::new("function main(){}"),
                main: None,
            },
            parameters: serde_json::from_str(r#"[{"key":"who","value":"you","init":true}]"#).unwrap(),
            annotations: serde_json::from_str(r#"[{"key":"provide-api-key","value":false}]"#).unwrap(),
            limits: ActionLimits::default(),
            updated: Timestamp(1_770_000_000_000),
        }
    }

    #[test]
    fn replies_have_the_members_that_clients_expect() {
        assert_eq!(
            hello().to_json(true).as_str(),
            r#"{"namespace":"alice/util","name":"hello","version":"0.0.1","publish":false,"exec":{"kind":"nodejs:20","code":"function main(){}","binary":false},"parameters":[{"key":"who","value":"you","init":true}],"annotations":[{"key":"provide-api-key","value":false}],"limits":{"timeout":60000,"memory":256,"logs":10,"concurrency":1},"updated":1770000000000}"#
        );
        assert!(!hello().to_json(false).as_str().contains("\"code\""));
        assert!(hello().to_summary().as_str().contains(r#""exec":{"binary":false}"#));
        let through = hello().to_json_through(&"bob/bound".parse().unwrap());
        assert!(through.as_str().ends_with(r#""updated":1770000000000,"binding":"bob/bound"}"#));
        assert!(!through.as_str().contains("\"code\""));
        assert!(!hello().wants_api_key());
        assert_eq!(hello().init_parameters(), ["who"]);
    }

    #[test]
    fn documents_read_back() {
        let action = hello();
        let code = action.exec.code().map(|c| c.as_str().to_owned());
        assert_eq!(Action::from_document(&action.to_document(), code.as_deref()).unwrap(), action);
        let image = "me/mine:1".parse().unwrap();
        let blackbox =
            Action { exec: Exec::Blackbox { image, code: None, main: Some("x".into()) }, ..hello() };
        assert_eq!(Action::from_document(&blackbox.to_document(), None).unwrap(), blackbox);
        assert!(!blackbox.to_json(true).as_str().contains("\"code\""));
        let components = vec!["alice/a".parse().unwrap(), "alice/util/b".parse().unwrap()];
        let sequence = Action { exec: Exec::Sequence { components }, ..hello() };
        assert_eq!(Action::from_document(&sequence.to_document(), None).unwrap(), sequence);
        let exec = r#""exec":{"kind":"sequence","components":["/alice/a","/alice/util/b"]}"#;
        assert!(sequence.to_json(true).as_str().contains(exec));
    }
}
