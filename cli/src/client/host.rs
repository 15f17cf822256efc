//! What a server says of itself at its root: which runtimes it has.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde::Deserialize;

use super::{Call, Client, Error, Method, decode};

/// The answer to `GET /`, as far as clients need it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct HostInfo {
    /// By family (`nodejs`), what there is of it.
    #[serde(default)]
    runtimes: IndexMap<String, Vec<Runtime>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Runtime {
    kind: String,
}

impl HostInfo {
    /// Every kind by its own name and each family's `FAMILY:default`.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<String> {
        let concrete = self.runtimes.values().flatten().map(|runtime| runtime.kind.clone());
        let defaults = self.runtimes.keys().map(|family| format!("{family}:default"));
        concrete.chain(defaults).collect()
    }
}

impl Client {
    /// What the server says of itself.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn host_info(&self) -> Result<HostInfo, Error> {
        let call = Call::new(Method::GET, &[""]);
        let response = self.exchange(Method::GET, &format!("{}/", self.root()), None)?;
        if response.is_success() { decode(&call, &response) } else { Err(response.to_error()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_concrete_or_a_familys_default() {
        let text = r#"{"runtimes":{"nodejs":[{"kind":"nodejs:20","image":{}}]},"limits":{}}"#;
        let info: HostInfo = serde_json::from_str(text).unwrap();
        assert_eq!(info.kinds().into_iter().collect::<Vec<_>>(), ["nodejs:20", "nodejs:default"]);
    }
}
