//! Makes clap read flags the way Go's pflag does, whose habits scripts rely on: an option takes the next word
//! whatever it looks like, a switch may be given as `--switch=false`, a flag given twice counts as given last.

use clap::builder::TypedValueParser;
use clap::{Arg, ArgAction, Command};

/// The same grammar with Go's habits, subcommands included.
pub(crate) fn apply(command: Command) -> Command {
    let command = command.args_override_self(true).mut_args(argument);
    command.mut_subcommands(apply)
}

fn argument(argument: Arg) -> Arg {
    match argument.get_action() {
        ArgAction::SetTrue => switch(argument),
        ArgAction::Set | ArgAction::Append if takes_fixed_words(&argument) => {
            argument.allow_hyphen_values(true)
        }
        _ => argument,
    }
}

/// Not so for an option that takes words up to the next flag.
fn takes_fixed_words(argument: &Arg) -> bool {
    let open_ended = argument.get_num_args().is_some_and(|range| range.max_values() == usize::MAX);
    !argument.is_positional() && !open_ended
}

/// `--switch`, `--switch=true`, `--switch=0` and the other spellings that Go reads as a boolean.
fn switch(argument: Arg) -> Arg {
    argument
        .action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_value("false")
        .default_missing_value("true")
        .value_name("BOOL")
        .hide_default_value(true)
        .hide_possible_values(true)
        .value_parser(clap::builder::NonEmptyStringValueParser::new().try_map(|text| go_bool(&text)))
}

fn go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("'{text}' is neither true nor false")),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches, Parser};

    #[derive(Debug, Parser, PartialEq)]
    struct Example {
        name: Option<String>,
        #[arg(short, long)]
        blocking: bool,
        #[arg(short, long)]
        result: bool,
        #[arg(short, long)]
        limit: Option<i64>,
        #[arg(long)]
        kind: Option<String>,
    }

    fn read(words: &str) -> Example {
        let command = super::apply(Example::command());
        let matches = command.try_get_matches_from(format!("x {words}").split(' ')).unwrap();
        Example::from_arg_matches(&matches).unwrap()
    }

    #[test]
    fn switches_take_a_value_after_an_equals_sign_only() {
        assert!(read("--blocking=true").blocking && read("-b=1").blocking && read("-b").blocking);
        assert!(!read("--blocking=F").blocking);
        let example = read("-b name");
        assert!(example.blocking && example.name.as_deref() == Some("name"));
        let example = read("-br name");
        assert!(example.blocking && example.result && example.name.as_deref() == Some("name"));
    }

    #[test]
    fn options_take_the_next_word_and_the_last_one_wins() {
        assert_eq!(read("--limit -1").limit, Some(-1));
        assert_eq!(read("-l5 n --limit=7").limit, Some(7));
        assert_eq!(read("--kind --limit").kind.as_deref(), Some("--limit"));
        assert!(!read("-b --blocking=false").blocking);
    }
}
