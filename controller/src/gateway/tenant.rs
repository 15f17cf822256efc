//! The id by which the gateway's URLs name a namespace: its name in hexadecimal, so that it is one plain segment
//! of a path, the same for ever, and known to every controller without asking.

use std::fmt::Write;

use whirl_model::Namespace;

/// The id of a namespace.
pub(super) fn id(namespace: &Namespace) -> String {
    namespace.as_str().bytes().fold(String::new(), |mut id, byte| {
        write!(id, "{byte:02x}").expect("a string takes any text");
        id
    })
}

/// The namespace of an id; `None` if no namespace has it.
pub(super) fn namespace(id: &str) -> Option<Namespace> {
    if !id.len().is_multiple_of(2) || !id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(id.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..id.len()).step_by(2).map(byte).collect();
    String::from_utf8(bytes?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_back() {
        for name in ["guest", "me@example.org_dev", "a b&c"] {
            let name: Namespace = name.parse().unwrap();
            assert_eq!(namespace(&id(&name)), Some(name));
        }
        for bad in ["", "6", "67g5", "6A", "ff", "2f", "6775é"] {
            assert_eq!(namespace(bad), None, "{bad}");
        }
    }
}
