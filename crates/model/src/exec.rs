//! What an action executes: code for a runtime kind, a container image of the user's own, or other actions.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{ActionPath, ImageName};

/// The name of a runtime, such as `nodejs:20`; lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kind(Arc<str>);

impl Kind {
    /// The kind of a text, trimmed and lower-cased as OpenWhisk does.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_lowercase().into())
    }

    /// The kind of actions that bring their own image.
    #[must_use]
    pub fn blackbox() -> Self {
        Self::new("blackbox")
    }

    /// The kind of actions that are made of others.
    #[must_use]
    pub fn sequence() -> Self {
        Self::new("sequence")
    }

    /// The kind as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the colon.
    #[must_use]
    pub fn family(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An action's code as it stands in JSON: source text, or base64 of an archive or executable.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    text: Arc<str>,
    binary: bool,
}

impl Code {
    /// Takes code and decides whether it is base64. Text that merely looks like base64 counts as base64.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { binary: is_base64(text), text: text.into() }
    }

    /// The code as it stands in JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the text is base64.
    #[must_use]
    pub fn is_binary(&self) -> bool {
        self.binary
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({} bytes, binary: {})", self.text.len(), self.binary)
    }
}

/// Standard alphabet, right padding, a length that 4 divides, not empty.
fn is_base64(text: &str) -> bool {
    let bytes = text.as_bytes();
    let body = match bytes {
        [] => return false,
        [rest @ .., b'=', b'='] | [rest @ .., b'='] => rest,
        all => all,
    };
    bytes.len().is_multiple_of(4)
        && body.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

/// What an action executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exec {
    /// Code for one of the platform's runtimes.
    Runtime {
        /// The concrete kind, never `FAMILY:default`.
        kind: Kind,
        /// The code, perhaps empty.
        code: Code,
        /// The entry point, if it is not `main`.
        main: Option<String>,
    },
    /// An image that the user names.
    Blackbox {
        /// The image.
        image: ImageName,
        /// Code handed to it at `/init`, if any.
        code: Option<Code>,
        /// The entry point, if it is not `main`.
        main: Option<String>,
    },
    /// Other actions, one after the other.
    Sequence {
        /// Them, at least one; sequences and conductors may be among them.
        components: Vec<ActionPath>,
    },
}

impl Exec {
    /// The kind: a runtime's, or `blackbox`.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Runtime { kind, .. } => kind.clone(),
            Self::Blackbox { .. } => Kind::blackbox(),
            Self::Sequence { .. } => Kind::sequence(),
        }
    }

    /// The code, if there is any.
    #[must_use]
    pub fn code(&self) -> Option<&Code> {
        match self {
            Self::Runtime { code, .. } => Some(code),
            Self::Blackbox { code, .. } => code.as_ref(),
            Self::Sequence { .. } => None,
        }
    }

    /// The entry point, if it is not `main`.
    #[must_use]
    pub fn main(&self) -> Option<&str> {
        match self {
            Self::Runtime { main, .. } | Self::Blackbox { main, .. } => main.as_deref(),
            Self::Sequence { .. } => None,
        }
    }

    /// The image of a blackbox action.
    #[must_use]
    pub fn image(&self) -> Option<&ImageName> {
        match self {
            Self::Runtime { .. } | Self::Sequence { .. } => None,
            Self::Blackbox { image, .. } => Some(image),
        }
    }

    /// The components of a sequence.
    #[must_use]
    pub fn components(&self) -> Option<&[ActionPath]> {
        match self {
            Self::Sequence { components } => Some(components),
            Self::Runtime { .. } | Self::Blackbox { .. } => None,
        }
    }

    /// Whether there is code and it is base64.
    #[must_use]
    pub fn is_binary(&self) -> bool {
        self.code().is_some_and(Code::is_binary)
    }

    /// The same with other code (`None` only for a blackbox action).
    #[must_use]
    pub fn with_code(self, new: Option<Code>) -> Self {
        match self {
            Self::Runtime { kind, main, .. } => {
                Self::Runtime { kind, code: new.unwrap_or_else(|| Code::new("")), main }
            }
            Self::Blackbox { image, main, .. } => Self::Blackbox { image, code: new, main },
            Self::Sequence { .. } => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_told_by_its_look() {
        for (text, binary) in [
            ("abcd", true),
            ("YWI=", true),
            ("YQ==", true),
            ("abc", false),
            ("", false),
            ("a=cd", false),
            ("ab d", false),
            ("a===", false),
            ("function main(){}", false),
        ] {
            assert_eq!(Code::new(text).is_binary(), binary, "{text}");
        }
    }

    #[test]
    fn kinds_are_trimmed_and_lower_case() {
        assert_eq!(Kind::new(" NodeJS:20 ").as_str(), "nodejs:20");
        assert_eq!(Kind::new("nodejs:20").family(), "nodejs");
    }
}
