//! What a plan consists of: entities to put, each complete but for the code, which is only named.

use std::fmt;
use std::path::PathBuf;

use indexmap::IndexMap;
use whirl_model::Json;

use crate::client::{ActionBody, PackageBody, RuleBody, TriggerBody};
use crate::gateway;
use crate::name::{PlainName, QualifiedName};

/// One entity to put.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operation {
    /// A package or a binding.
    Package(PlainName, PackageBody),
    /// An action or a sequence.
    Action(Box<PlannedAction>),
    /// A trigger, fed or not.
    Trigger(PlannedTrigger),
    /// A rule.
    Rule(PlainName, RuleBody),
    /// An operation of an API.
    Api(Box<gateway::Operation>),
}

/// An action whose code is yet to be loaded.
#[derive(Clone, Debug)]
pub(crate) struct PlannedAction {
    /// The action.
    pub(crate) name: QualifiedName,
    /// What it runs.
    pub(crate) code: Code,
    /// Everything else; `exec` is empty.
    pub(crate) body: ActionBody,
}

impl PartialEq for PlannedAction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.code == other.code && Json::of(&self.body) == Json::of(&other.body)
    }
}

/// A trigger and what its feed is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedTrigger {
    /// The trigger.
    pub(crate) name: PlainName,
    /// What the server keeps.
    pub(crate) body: TriggerBody,
    /// The feed, with its parameters.
    pub(crate) feed: Option<(QualifiedName, IndexMap<String, Json>)>,
}

/// What an action runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// Other actions in turn.
    Sequence(Vec<QualifiedName>),
    /// Code on a runtime.
    Runtime {
        /// `nodejs:20` or `nodejs:default`
        kind: String,
        /// The code.
        artifact: Artifact,
        /// The entry point.
        main: Option<String>,
    },
    /// An image, with code for it or without.
    Image {
        /// Its name.
        image: String,
        /// The code.
        artifact: Option<Artifact>,
        /// The entry point.
        main: Option<String>,
    },
}

/// Where code is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Artifact {
    /// Here.
    Text(String),
    /// In a file, or a folder to be packed.
    Path(PathBuf),
    /// On the web.
    Url(String),
}

/// An entity of the server, by collection and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Entity {
    /// A package or binding.
    Package(PlainName),
    /// An action or sequence.
    Action(QualifiedName),
    /// A trigger.
    Trigger(PlainName),
    /// A rule.
    Rule(PlainName),
}

impl Operation {
    /// The entity that this puts; an API is none.
    pub(crate) fn entity(&self) -> Option<Entity> {
        match self {
            Self::Package(name, _) => Some(Entity::Package(name.clone())),
            Self::Action(action) => Some(Entity::Action(action.name.clone())),
            Self::Trigger(trigger) => Some(Entity::Trigger(trigger.name.clone())),
            Self::Rule(name, _) => Some(Entity::Rule(name.clone())),
            Self::Api(_) => None,
        }
    }

    /// What a preview tells besides the name.
    pub(crate) fn details(&self) -> Option<String> {
        match self {
            Self::Package(_, body) => body
                .binding
                .as_ref()
                .map(|binding| format!("binding of /{}/{}", binding.namespace, binding.name)),
            Self::Action(action) => Some(action.code.to_string()),
            Self::Trigger(trigger) => trigger.feed.as_ref().map(|(feed, _)| format!("fed by {feed}")),
            Self::Rule(_, body) => Some(format!(
                "{} starts {}",
                body.trigger.as_deref().unwrap_or_default(),
                body.action.as_deref().unwrap_or_default()
            )),
            Self::Api(operation) => Some(format!("to {}", operation.action)),
        }
    }
}

impl fmt::Display for Operation {
    /// `action p/a`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.entity()) {
            (Self::Api(operation), _) => {
                let gateway::Operation { base_path, path, verb, .. } = &**operation;
                write!(f, "API {base_path} {path} {}", verb.to_uppercase())
            }
            (_, Some(entity)) => entity.fmt(f),
            (_, None) => Ok(()),
        }
    }
}

impl fmt::Display for Entity {
    /// `action p/a`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package(name) => write!(f, "package {}", name.entity),
            Self::Action(name) => write!(f, "action {}", name.local()),
            Self::Trigger(name) => write!(f, "trigger {}", name.entity),
            Self::Rule(name) => write!(f, "rule {}", name.entity),
        }
    }
}

impl fmt::Display for Code {
    /// `nodejs:default, hello.js`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence(components) => {
                let names: Vec<String> = components.iter().map(ToString::to_string).collect();
                write!(f, "sequence of {}", names.join(", "))
            }
            Self::Runtime { kind, artifact, .. } => write!(f, "{kind}, {artifact}"),
            Self::Image { image, artifact: None, .. } => write!(f, "image {image}"),
            Self::Image { image, artifact: Some(artifact), .. } => write!(f, "image {image}, {artifact}"),
        }
    }
}

impl fmt::Display for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("code in the manifest"),
            Self::Path(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(url),
        }
    }
}
