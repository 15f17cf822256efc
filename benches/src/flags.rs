//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::action::Language;
use crate::error::Error;
use crate::measure::{Measurement, Plan, cold, start, stem, throughput, warm};
use crate::stop::Stop;

/// Measures how fast Whirl is, beside what the same work costs without it.
///
/// Needs the Docker engine of this machine and Whirl's images. Starts its own `whirl` and removes what it made,
/// also when it is broken off.
#[derive(Debug, Parser)]
#[command(name = "whirl-benches", version)]
pub(crate) struct Flags {
    /// What to measure
    what: What,
    /// Calls per side of the warm measurement; a hundredth as many starts are measured, at least 5
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    requests: u32,
    /// Seconds that each load of the throughput measurement lasts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Languages of the warm measurement, separated by commas
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',', default_value = "node")]
    kind: Vec<Language>,
    /// File for all figures, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Page whose block of figures is rewritten
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// A whirl that runs on this machine already, http://HOST:PORT; warm calls only
    #[arg(long, value_name = "URL", requires = "auth")]
    host: Option<String>,
    /// Its key
    #[arg(long, value_name = "UUID:KEY", requires = "host", hide_env_values = true)]
    auth: Option<String>,
    /// The program whirl [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    whirl: Option<PathBuf>,
}

/// The measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// What whirl adds to a warm call
    Warm,
    /// A first call without stem cells, beside Docker's own start
    Cold,
    /// A first call with stem cells, beside the runtime's own /init and /run
    Stem,
    /// Warm calls per second
    Throughput,
    /// The start of the process and its memory
    Start,
    /// All of them
    All,
}

impl Flags {
    /// What to measure, in order: names and what does it.
    pub(crate) fn measurements(&self) -> Vec<(&'static str, Measurement)> {
        let all: [(What, &'static str, Measurement); 5] = [
            (What::Warm, "warm", warm::measure),
            (What::Stem, "stem", stem::measure),
            (What::Cold, "cold", cold::measure),
            (What::Throughput, "throughput", throughput::measure),
            (What::Start, "start", start::measure),
        ];
        let wanted = all.into_iter().filter(|(what, ..)| self.what == What::All || self.what == *what);
        wanted.map(|(_, name, measure)| (name, measure)).collect()
    }

    /// What the measurements are told.
    pub(crate) fn plan(&self, stop: Stop) -> Result<Plan, Error> {
        if self.host.is_some() && self.what != What::Warm {
            let text = "only warm calls can be measured at a whirl that runs already: the other measurements \
                        depend on how it is started";
            return Err(Error::Unsuitable(text.to_owned()));
        }
        Ok(Plan {
            whirl: self.whirl()?,
            given: self.host.clone().zip(self.auth.clone()),
            languages: self.kind.clone(),
            warm_calls: self.requests,
            starts: (self.requests / 100).clamp(5, 20),
            load_time: Duration::from_secs(self.seconds),
            stop,
        })
    }

    fn whirl(&self) -> Result<PathBuf, Error> {
        let beside = || Some(std::env::current_exe().ok()?.parent()?.join("whirl"));
        let path = self.whirl.clone().or_else(beside).unwrap_or_default();
        if path.is_file() {
            return Ok(path);
        }
        let text = format!(
            "there is no program '{}'; build it by: cargo build --release -p whirl-standalone",
            path.display()
        );
        Err(Error::Unsuitable(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Flags, clap::Error> {
        Flags::try_parse_from(std::iter::once("whirl-benches").chain(line.split(' ')))
    }

    #[test]
    fn the_number_of_requests_is_bounded() {
        assert!(parse("warm --requests 0").is_err());
        assert!(parse("warm --requests 10000000").is_err());
        assert_eq!(parse("warm --kind node,python").unwrap().kind, [Language::Node, Language::Python]);
    }

    #[test]
    fn a_running_whirl_serves_warm_calls_alone() {
        assert!(parse("warm --host http://127.0.0.1:1").is_err(), "a key is needed");
        let flags = parse("cold --host http://127.0.0.1:1 --auth a:b").unwrap();
        assert!(matches!(flags.plan(Stop::default()), Err(Error::Unsuitable(_))));
    }
}
