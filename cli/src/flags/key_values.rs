//! `-p KEY VALUE`, `-P FILE` and their likes: pairs and files of pairs in the order given, later ones first in
//! rank. A value is JSON if it reads as JSON, else text.

use std::ffi::OsString;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use indexmap::IndexMap;
use whirl_model::Json;

use crate::client::KeyValue;
use crate::exit::Failure;

/// The spelling of a pair of flags.
pub trait Spelling {
    /// What one pair is, for the help text.
    const NOUN: &'static str;
    /// The long flag for a pair; the one for a file ends in `-file`.
    const PAIR: &'static str;
    /// The long flag for a file.
    const FILE: &'static str;
    /// The short flag for a pair.
    const SHORT: Option<char>;
    /// The short flag for a file.
    const FILE_SHORT: Option<char>;
}

/// `-p/--param` and `-P/--param-file`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfParameters;

/// `-a/--annotation` and `-A/--annotation-file`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfAnnotations;

/// `-F/--feed-param` and `--feed-param-file`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfFeed;

/// `-T/--trigger-param` and `--trigger-param-file`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfTrigger;

/// `--param` and `--param-file` where `-p` means something else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfVariables;

impl Spelling for OfParameters {
    const NOUN: &'static str = "parameter";
    const PAIR: &'static str = "param";
    const FILE: &'static str = "param-file";
    const SHORT: Option<char> = Some('p');
    const FILE_SHORT: Option<char> = Some('P');
}

impl Spelling for OfFeed {
    const NOUN: &'static str = "feed parameter";
    const PAIR: &'static str = "feed-param";
    const FILE: &'static str = "feed-param-file";
    const SHORT: Option<char> = Some('F');
    const FILE_SHORT: Option<char> = None;
}

impl Spelling for OfTrigger {
    const NOUN: &'static str = "trigger parameter";
    const PAIR: &'static str = "trigger-param";
    const FILE: &'static str = "trigger-param-file";
    const SHORT: Option<char> = Some('T');
    const FILE_SHORT: Option<char> = None;
}

impl Spelling for OfVariables {
    const NOUN: &'static str = "parameter";
    const PAIR: &'static str = "param";
    const FILE: &'static str = "param-file";
    const SHORT: Option<char> = None;
    const FILE_SHORT: Option<char> = None;
}

impl Spelling for OfAnnotations {
    const NOUN: &'static str = "annotation";
    const PAIR: &'static str = "annotation";
    const FILE: &'static str = "annotation-file";
    const SHORT: Option<char> = Some('a');
    const FILE_SHORT: Option<char> = Some('A');
}

/// Parameters from the command line.
pub type Parameters = KeyValues<OfParameters>;
/// Parameters for a feed from the command line.
pub type FeedParameters = KeyValues<OfFeed>;
/// Parameters for a trigger where there are some for its feed too.
pub type TriggerParameters = KeyValues<OfTrigger>;
/// Values for a project's manifest.
pub type Variables = KeyValues<OfVariables>;
/// Annotations from the command line.
pub type Annotations = KeyValues<OfAnnotations>;

/// The pairs and files given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyValues<S> {
    given: Vec<Given>,
    spelling: PhantomData<S>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Given {
    Pair { key: String, value: String },
    File(PathBuf),
}

impl<S: Spelling> KeyValues<S> {
    /// All keys with their values, the files read. `None` if no flag was given.
    ///
    /// # Errors
    /// When a file cannot be read or holds no JSON object.
    pub fn read(&self) -> Result<Option<IndexMap<String, Json>>, Failure> {
        if self.given.is_empty() {
            return Ok(None);
        }
        let mut values = IndexMap::new();
        for given in &self.given {
            match given {
                Given::Pair { key, value } => {
                    values.insert(key.clone(), value_of(value));
                }
                Given::File(path) => values.extend(object_in::<S>(path)?),
            }
        }
        Ok(Some(values))
    }

    /// The same as an array of pairs.
    ///
    /// # Errors
    /// See [`Self::read`].
    pub fn pairs(&self) -> Result<Option<Vec<KeyValue>>, Failure> {
        let values = self.read()?;
        Ok(values.map(|values| values.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect()))
    }
}

fn value_of(text: &str) -> Json {
    Json::parse(text).unwrap_or_else(|_| Json::of(text))
}

fn object_in<S: Spelling>(path: &Path) -> Result<IndexMap<String, Json>, Failure> {
    let what = format!("Unable to read the {} file '{}'", S::NOUN, path.display());
    let text = std::fs::read_to_string(path).map_err(Failure::file(what))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::Local(format!("The {} file '{}' holds no JSON object: {error}", S::NOUN, path.display()))
    })
}

impl<S: Spelling> Args for KeyValues<S> {
    fn augment_args(command: Command) -> Command {
        let pair = Arg::new(S::PAIR)
            .long(S::PAIR)
            .short(S::SHORT)
            .num_args(2)
            .action(ArgAction::Append)
            .value_names(["KEY", "VALUE"])
            .value_parser(ValueParser::string())
            .help(format!("One {} and its value, JSON or text; repeatable", S::NOUN));
        let file = Arg::new(S::FILE)
            .long(S::FILE)
            .short(S::FILE_SHORT)
            .action(ArgAction::Append)
            .value_name("FILE")
            .value_parser(value_parser!(OsString))
            .help(format!("A JSON file with {} values; repeatable", S::NOUN));
        command.arg(pair).arg(file)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: Spelling> FromArgMatches for KeyValues<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Vec::new();
        if let (Some(pairs), Some(places)) =
            (matches.get_occurrences::<String>(S::PAIR), matches.indices_of(S::PAIR))
        {
            for (mut pair, place) in pairs.zip(places.step_by(2)) {
                if let (Some(key), Some(value)) = (pair.next(), pair.next()) {
                    given.push((place, Given::Pair { key: key.clone(), value: value.clone() }));
                }
            }
        }
        if let (Some(files), Some(places)) =
            (matches.get_many::<OsString>(S::FILE), matches.indices_of(S::FILE))
        {
            given.extend(files.zip(places).map(|(file, place)| (place, Given::File(file.into()))));
        }
        given.sort_by_key(|(place, _)| *place);
        Ok(Self { given: given.into_iter().map(|(_, given)| given).collect(), spelling: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Parameters, clap::Error> {
        let command = super::super::go_style::apply(Parameters::augment_args(Command::new("x")));
        let words = std::iter::once("x").chain(words.iter().copied());
        Parameters::from_arg_matches(&command.try_get_matches_from(words)?)
    }

    fn json(words: &[&str]) -> String {
        serde_json::to_string(&read(words).unwrap().read().unwrap()).unwrap()
    }

    #[test]
    fn values_are_json_to_the_letter_or_text() {
        let big = "123456789012345678901234567890";
        let words =
            ["-p", "n", big, "-p", "f", "1.0", "-p", "s", "plain text", "-p", "e", "", "-p", "o", "{ }"];
        assert_eq!(json(&words), format!(r#"{{"n":{big},"f":1.0,"s":"plain text","e":"","o":{{}}}}"#));
    }

    #[test]
    fn a_pair_takes_two_words_whatever_they_look_like() {
        assert_eq!(json(&["-p", "n", "-7", "-p", "-p", "--param"]), r#"{"n":-7,"-p":"--param"}"#);
        assert!(read(&["-p", "lonely"]).is_err());
        assert_eq!(read(&[]).unwrap().read().unwrap(), None);
    }

    #[test]
    fn later_ones_win_across_files_and_pairs() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), r#"{"a": "file", "b": [1, 2]}"#).unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(json(&["-p", "a", "pair", "-P", path]), r#"{"a":"file","b":[1,2]}"#);
        assert_eq!(json(&["-P", path, "-p", "a", "pair"]), r#"{"a":"pair","b":[1,2]}"#);
    }

    #[test]
    fn a_file_without_an_object_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for text in ["{not json", "[1]"] {
            std::fs::write(file.path(), text).unwrap();
            let failure = read(&["-P", file.path().to_str().unwrap()]).unwrap().read().unwrap_err();
            assert!(failure.to_string().contains("no JSON object"), "{failure}");
        }
    }
}
