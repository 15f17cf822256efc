//! The logs of one container's activations.
//!
//! A container that runs one activation at a time writes one after the other what they say; after each it writes an
//! end mark to both streams. [`LogBook`] cuts the streams there: a mark ends the part of the first activation that has
//! none on that stream. So a container can run its next activation before the logs of the last one are in. Our own
//! proxy's marks begin with a word that the action does not know, so that whatever an action prints stays in its own
//! log. Where several run at once, each line has to say whose it is.

mod book;
mod entry;
mod follow;
mod lines;
mod pace;
mod tags;
mod watch;

use serde::Deserialize;

pub(crate) use book::LogBook;
pub(crate) use follow::follow;
pub(crate) use watch::Watch;

/// The variable that tells a proxy what its end marks are to begin with.
pub(crate) const MARK_WORD: &str = "WHIRL_PROXY_MARK_WORD";

/// A word that no text has by accident, and that nobody guesses.
pub(crate) fn random_word() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// How activations share a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// They run one after the other.
    OneAtATime,
    /// They run at once, and the image says whose each line is.
    Tagged,
    /// They run at once, and nobody can tell whose a line is.
    Unmarked,
}

impl Sharing {
    /// A word for an image to begin its lines with. It is random, so that no text has it by accident; an action that
    /// finds it out can disturb the logs of its own container alone.
    pub(crate) fn tag_word() -> String {
        random_word()
    }

    /// What an image said in its answer to an `/init` that asked for tags.
    pub(crate) fn told(answer: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default, rename = "tagsLogs")]
            tags_logs: bool,
            #[serde(default)]
            concurrent: Option<bool>,
        }
        match serde_json::from_slice(answer) {
            Ok(Answer { tags_logs: true, .. }) => Self::Tagged,
            Ok(Answer { concurrent: Some(false), .. }) => Self::OneAtATime,
            _ => Self::Unmarked,
        }
    }
}

/// Where an activation's log goes once it is complete.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// Comes back with the log.
    pub(crate) ticket: T,
    /// Whether the container may not have written its end marks.
    pub(crate) broken: bool,
}

/// An activation's complete log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finished<T> {
    pub(crate) ticket: T,
    pub(crate) lines: Vec<String>,
    /// The container said more than was allowed, or did not say where it ended: it must not be used again.
    pub(crate) condemns: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_says_nothing_cannot_tell_lines_apart() {
        for (answer, sharing) in [
            (r#"{"ok":true,"tagsLogs":true}"#, Sharing::Tagged),
            (r#"{"ok":true,"concurrent":false}"#, Sharing::OneAtATime),
            (r#"{"OK":true}"#, Sharing::Unmarked),
            (r#"{"ok":true,"tagsLogs":"yes"}"#, Sharing::Unmarked),
            ("", Sharing::Unmarked),
        ] {
            assert_eq!(Sharing::told(answer.as_bytes()), sharing, "{answer}");
        }
    }
}
