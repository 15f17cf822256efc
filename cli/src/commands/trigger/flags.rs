//! The flags of `trigger create` and `trigger update`, and which parameters go where.

use clap::Args;
use indexmap::IndexMap;
use whirl_model::Json;

use crate::client::KeyValue;
use crate::exit::Failure;
use crate::flags::{Annotations, FeedParameters, Parameters, TriggerParameters};
use crate::name::{PlainName, QualifiedName};

/// What create and update have in common.
#[derive(Debug, Args)]
pub(super) struct TriggerFlags {
    /// The trigger
    pub(super) name: PlainName,
    #[command(flatten)]
    parameters: Parameters,
    #[command(flatten)]
    pub(super) annotations: Annotations,
    /// The feed action that fires the trigger
    #[arg(short, long, value_name = "ACTION")]
    pub(super) feed: Option<QualifiedName>,
    #[command(flatten)]
    feed_parameters: FeedParameters,
    #[command(flatten)]
    trigger_parameters: TriggerParameters,
}

/// The parameters by their destination.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Destined {
    /// For the feed.
    pub(super) feed: IndexMap<String, Json>,
    /// For the trigger; `None` if there are none.
    pub(super) trigger: Option<Vec<KeyValue>>,
}

impl TriggerFlags {
    /// Where the parameters go. Those of `-p` are for the feed if there is one.
    pub(super) fn destined(&self, has_feed: bool) -> Result<Destined, Failure> {
        let (common, feed) = (self.parameters.read()?, self.feed_parameters.read()?);
        let mut trigger = self.trigger_parameters.read()?;
        let mut for_feed = IndexMap::new();
        if has_feed {
            for_feed.extend(common.into_iter().flatten());
        } else if let Some(common) = common {
            trigger = Some(common.into_iter().chain(trigger.into_iter().flatten()).collect());
        }
        match feed {
            Some(_) if !has_feed => return Err(Failure::usage("--feed-param needs a feed: use --feed")),
            feed => for_feed.extend(feed.into_iter().flatten()),
        }
        let pairs = |values: IndexMap<String, Json>| {
            values.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect()
        };
        Ok(Destined { feed: for_feed, trigger: trigger.map(pairs) })
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches};

    use super::*;

    fn destined(words: &[&str], has_feed: bool) -> Result<(String, String), Failure> {
        let matches = TriggerFlags::augment_args(Command::new("x"))
            .try_get_matches_from([&["x", "t"], words].concat())
            .unwrap();
        let destined = TriggerFlags::from_arg_matches(&matches).unwrap().destined(has_feed)?;
        let keys = destined.trigger.into_iter().flatten().map(|pair| pair.key).collect::<Vec<_>>();
        Ok((destined.feed.into_keys().collect::<Vec<_>>().join(","), keys.join(",")))
    }

    #[test]
    fn common_parameters_are_for_the_feed_if_there_is_one() {
        let words = ["-p", "a", "1", "-T", "b", "2"];
        assert_eq!(destined(&words, false).unwrap(), (String::new(), "a,b".into()));
        assert_eq!(destined(&words, true).unwrap(), ("a".into(), "b".into()));
        assert_eq!(destined(&["-F", "c", "3", "-p", "a", "1"], true).unwrap().0, "a,c");
        assert!(matches!(destined(&["-F", "c", "3"], false), Err(Failure::Usage(_))));
    }
}
