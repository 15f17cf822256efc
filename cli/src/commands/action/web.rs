//! `--web` and `--web-secure`: the annotations that make an action answer plain HTTP, and that guard it.

use clap::{Args, ValueEnum};
use whirl_model::Json;

use crate::client::KeyValue;
use crate::exit::Failure;

const SECRET: &str = "require-whisk-auth";

/// How the action is seen from the web.
#[derive(Debug, Default, Args)]
pub(super) struct WebFlags {
    /// Make the action a web action; raw hands it the request undecoded
    #[arg(long, value_enum, ignore_case = true, hide_possible_values = true, value_name = "yes|no|raw")]
    web: Option<Web>,
    /// Ask callers for a secret: true makes one up, false asks no more
    #[arg(long, value_name = "SECRET")]
    web_secure: Option<String>,
}

/// Whether an action answers plain HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Web {
    /// With the request taken apart.
    #[value(alias = "true")]
    Yes,
    /// Not at all.
    #[value(alias = "false")]
    No,
    /// With the request as it came.
    Raw,
}

impl Web {
    /// The annotations that say so.
    pub(crate) fn annotations(self) -> [KeyValue; 3] {
        let exported = self != Self::No;
        [("web-export", exported), ("raw-http", self == Self::Raw), ("final", exported)]
            .map(|(key, value)| KeyValue::new(key, Json::of(&value)))
    }
}

/// Annotations to write and to drop.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WebChange {
    pub(super) set: Vec<KeyValue>,
    pub(super) drop: Option<&'static str>,
}

impl WebFlags {
    /// What changes. `is_web` tells whether the action is a web action already; `secret` is used if one has
    /// to be made up.
    pub(super) fn change(&self, is_web: bool, secret: u64) -> Result<WebChange, Failure> {
        let mut change = WebChange::default();
        if let Some(web) = self.web {
            change.set.extend(web.annotations());
        }
        let exported = self.web.map_or(is_web, |web| web != Web::No);
        match self.web_secure.as_deref() {
            None => {}
            Some("false") => change.drop = Some(SECRET),
            Some(_) if !exported => {
                return Err(Failure::usage("The --web-secure option needs a web action: use --web true"));
            }
            Some("") => return Err(Failure::usage("The secret of --web-secure is empty")),
            Some("true") => change.set.push(KeyValue::new(SECRET, Json::of(&secret))),
            Some(text) => change.set.push(KeyValue::new(SECRET, Json::of(text))),
        }
        Ok(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(web: Option<Web>, web_secure: Option<&str>) -> WebFlags {
        WebFlags { web, web_secure: web_secure.map(str::to_owned) }
    }

    fn pairs(flags: &WebFlags, is_web: bool) -> Vec<String> {
        let change = flags.change(is_web, 7).unwrap();
        change.set.iter().map(|pair| format!("{}={}", pair.key, pair.value.as_str())).collect()
    }

    #[test]
    fn web_sets_three_annotations() {
        let web = |web| pairs(&flags(Some(web), None), false);
        assert_eq!(web(Web::Yes), ["web-export=true", "raw-http=false", "final=true"]);
        assert_eq!(web(Web::Raw), ["web-export=true", "raw-http=true", "final=true"]);
        assert_eq!(web(Web::No), ["web-export=false", "raw-http=false", "final=false"]);
        assert!(pairs(&flags(None, None), false).is_empty());
    }

    #[test]
    fn secrets_are_for_web_actions() {
        assert_eq!(pairs(&flags(None, Some("true")), true), ["require-whisk-auth=7"]);
        assert_eq!(pairs(&flags(None, Some("123")), true), ["require-whisk-auth=\"123\""]);
        assert_eq!(flags(None, Some("false")).change(false, 7).unwrap().drop, Some(SECRET));
        assert!(flags(None, Some("true")).change(false, 7).is_err());
        assert!(flags(Some(Web::No), Some("s")).change(true, 7).is_err());
    }
}
