//! Lines that say whose they are: `WORD ACTIVATION TEXT`, where `WORD` is one container's own and `ACTIVATION` is `-`
//! where the text is no activation's.

use memchr::memmem;
use whirl_model::ActivationId;

/// The word that a container's tags begin with. It is random, so no text has it by accident.
#[derive(Debug)]
pub(super) struct TagWord(memmem::Finder<'static>);

/// Whose a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// It has no tag, or its tag says so.
    Nobody,
    /// It is this activation's.
    Activation(ActivationId),
}

impl TagWord {
    pub(super) fn new(word: &str) -> Self {
        Self(memmem::Finder::new(format!("{word} ").as_bytes()).into_owned())
    }

    /// Calls `each` for every part of a line. There are several where something that knows no tags, or that ended in
    /// the middle of a line, wrote to the same stream without a line end.
    pub(super) fn split(&self, line: &[u8], mut each: impl FnMut(Owner, &[u8])) {
        let mut owner = Owner::Nobody;
        let mut rest = line;
        let mut is_first = true;
        while let Some(at) = self.0.find(rest) {
            if !is_first || at > 0 {
                each(owner, &rest[..at]);
            }
            is_first = false;
            (owner, rest) = owner_of(&rest[at + self.0.needle().len()..]);
        }
        each(owner, rest);
    }
}

/// The owner that a text begins with, and what follows.
fn owner_of(text: &[u8]) -> (Owner, &[u8]) {
    let end = memchr::memchr(b' ', text).unwrap_or(text.len());
    let id = std::str::from_utf8(&text[..end]).ok().and_then(|id| id.parse().ok());
    let owner = id.map_or(Owner::Nobody, Owner::Activation);
    (owner, text.get(end + 1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(line: &str) -> Vec<(Owner, String)> {
        let mut parts = Vec::new();
        let word = TagWord::new("5eaf");
        word.split(line.as_bytes(), |owner, text| {
            parts.push((owner, String::from_utf8_lossy(text).into_owned()));
        });
        parts
    }

    #[test]
    fn a_line_goes_to_whom_its_tag_names() {
        let id = ActivationId::from_bits(7);
        let owner = Owner::Activation(id);
        assert_eq!(parts(&format!("5eaf {id} two words")), [(owner, "two words".to_owned())]);
        assert_eq!(parts(&format!("5eaf {id} ")), [(owner, String::new())]);
        assert_eq!(parts("5eaf - a"), [(Owner::Nobody, "a".to_owned())]);
        assert_eq!(parts("5ea no tag"), [(Owner::Nobody, "5ea no tag".to_owned())]);
        assert_eq!(parts(""), [(Owner::Nobody, String::new())]);
    }

    #[test]
    fn a_line_that_nobody_ended_comes_apart_at_the_tags() {
        let (first, second) = (ActivationId::from_bits(1), ActivationId::from_bits(2));
        assert_eq!(
            parts(&format!("raw5eaf {first} half5eaf {second} mark")),
            [
                (Owner::Nobody, "raw".to_owned()),
                (Owner::Activation(first), "half".to_owned()),
                (Owner::Activation(second), "mark".to_owned()),
            ]
        );
    }
}
