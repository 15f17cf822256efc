//! Which of an activation's arguments are environment: `/init` is given them, once for all activations that the container
//! serves, and `/run` the others. How they are written is in `payload`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use whirl_model::{Arguments, Input};

/// What `/run` is given and what `/init` is, which are the arguments of these names.
pub(crate) fn split<'a>(arguments: &'a Input, names: &[String]) -> (Cow<'a, Input>, Arguments) {
    if names.is_empty() {
        return (Cow::Borrowed(arguments), Arguments::default());
    }
    let mut input = arguments.clone();
    let environment = input.split_off(names);
    (Cow::Owned(input), environment)
}

/// A digest of what `/init` is given, in whatever order, if it is given anything: who brings another environment needs
/// another container.
pub(crate) fn digest(arguments: &Input, names: &[String]) -> Option<[u8; 32]> {
    let given = names.iter().filter_map(|name| Some((name.as_str(), arguments.get(name)?.as_str())));
    let given: BTreeMap<&str, &str> = given.collect();
    if given.is_empty() {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    for text in given.into_iter().flat_map(|(name, value)| [name, value]) {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    Some(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &str, names: &[&str]) -> Option<[u8; 32]> {
        let names: Vec<String> = names.iter().copied().map(str::to_owned).collect();
        digest(&serde_json::from_str(arguments).unwrap(), &names)
    }

    #[test]
    fn what_init_is_not_given_makes_no_difference() {
        assert_eq!(of(r#"{"a":1}"#, &[]), None);
        assert_eq!(of(r#"{"a":1}"#, &["b"]), None);
        assert_eq!(of(r#"[{"a":1}]"#, &["a"]), None);
        let one = of(r#"{"a":1,"b":"x"}"#, &["a", "b"]);
        assert!(one.is_some());
        assert_eq!(of(r#"{"c":2,"b":"x","a":1}"#, &["b", "none", "a"]), one);
    }

    #[test]
    fn whatever_init_is_given_makes_a_difference() {
        let different = [
            of(r#"{"a":1}"#, &["a"]),
            of(r#"{"a":2}"#, &["a"]),
            of(r#"{"a":"1"}"#, &["a"]),
            of(r#"{"b":1}"#, &["b"]),
            of(r#"{"a":1,"b":2}"#, &["a", "b"]),
            of(r#"{"a":2,"b":1}"#, &["a", "b"]),
        ];
        let distinct: std::collections::BTreeSet<_> = different.iter().flatten().collect();
        assert_eq!(distinct.len(), different.len());
    }
}
