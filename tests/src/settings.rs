//! The variables that the servers read their settings from, as `docs/configuration.md` has them. That the document is
//! right is held by the servers' own tests.

use std::collections::BTreeSet;

use crate::binaries::root;

/// Variables of a server whose users are to be held back by nothing but its machine.
pub(crate) const UNTHROTTLED: [(&str, &str); 3] = [
    ("WHIRL_CONTROLLER__THROTTLES__ACTIONS_PER_MINUTE", "2147483647"),
    ("WHIRL_CONTROLLER__THROTTLES__TRIGGERS_PER_MINUTE", "2147483647"),
    ("WHIRL_CONTROLLER__THROTTLES__CONCURRENT_ACTIONS", "2147483647"),
];

/// A program of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `whirl-controller`.
    Controller,
    /// `whirl-invoker`.
    Invoker,
}

impl Program {
    /// The variables that it reads. It ends with a message at any other that begins with `WHIRL_`.
    #[must_use]
    pub fn documented_variables(self) -> BTreeSet<String> {
        let text = std::fs::read_to_string(root().join("docs/configuration.md")).unwrap();
        let mut variables = BTreeSet::new();
        let mut header = None;
        for line in text.lines() {
            let Some(row) = line.strip_prefix("| ") else {
                // The line below a header is part of the table.
                header = header.filter(|_| line.starts_with('|'));
                continue;
            };
            let first = row.split(" |").next().unwrap_or_default();
            match header {
                None => header = Some(first),
                Some(header) => variables.extend(self.variable(header, first.trim_matches('`'))),
            }
        }
        variables
    }

    /// The variable that a row stands for, if it is one for this program: by the header of the row's table.
    fn variable(self, header: &str, key: &str) -> Option<String> {
        let key = match (header, self) {
            ("variable", _) => return Some(key.to_owned()),
            ("server key", _)
            | ("`whirl-controller` key", Self::Controller)
            | ("`whirl-invoker` key", Self::Invoker) => key,
            ("key", Self::Controller) => key.strip_prefix("controller.").and(Some(key))?,
            ("key", Self::Invoker) => match key.split_once('.')? {
                ("docker" | "invoker", _) => key,
                // The invoker has the controllers' limits, one level higher.
                ("controller", limit) => limit.strip_prefix("limits.").and(Some(limit))?,
                _ => return None,
            },
            _ => return None,
        };
        Some(format!("WHIRL_{}", key.replace('.', "__").to_uppercase()))
    }
}
