//! What the commands do: from flags to calls to lines. One file per command; each implements `Run`.

mod action;
mod activation;
mod admin;
mod api;
mod collection;
mod deed;
mod entities;
mod namespace;
mod package;
mod page;
mod project;
mod property;
mod rule;
mod sdk;
mod summary;
mod trigger;

use std::sync::Arc;

use clap::{Args, Subcommand};
use indexmap::IndexMap;
use whirl_model::Json;

pub use action::ActionCommand;
pub(crate) use action::{Web, save_below};
pub use activation::ActivationCommand;
pub use admin::AdminCommand;
pub use api::ApiCommand;
pub use entities::ListArgs;
pub use namespace::NamespaceCommand;
pub use package::PackageCommand;
pub use project::ProjectCommand;
pub use property::PropertyCommand;
pub use rule::RuleCommand;
pub use sdk::SdkCommand;
pub use trigger::TriggerCommand;

use crate::client::{Client, Observer};
use crate::exit::Failure;
use crate::flags::{GlobalFlags, Group, Leaf};
use crate::output::traffic::{Traffic, note};
use crate::output::{Console, Printer};
use crate::properties::Properties;
use crate::settings::{Environment, Settings};

/// What a command has to work with.
pub(crate) struct Context<'c> {
    flags: GlobalFlags,
    settings: Settings,
    environment: &'c Environment,
    console: &'c mut Console,
    /// Makes the grammar of the whole command line.
    grammar: fn() -> clap::Command,
}

impl Context<'_> {
    fn client(&self) -> Result<Client, Failure> {
        self.settings.client(self.observer())
    }

    fn anonymous_client(&self) -> Result<Client, Failure> {
        self.settings.anonymous_client(self.observer())
    }

    fn observer(&self) -> Option<Arc<dyn Observer>> {
        let traffic = Traffic { verbose: self.settings.verbose, debug: self.settings.debug };
        (traffic.verbose || traffic.debug).then(|| Arc::new(traffic) as Arc<dyn Observer>)
    }

    fn out(&mut self) -> &mut Printer {
        self.console.out()
    }
}

/// A top-level member of an entity, without regard to case.
fn field_of(entity: &Json, field: &str) -> Result<Json, Failure> {
    let members: IndexMap<String, Json> = serde_json::from_str(entity.as_str()).unwrap_or_default();
    let found = members.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(field));
    found.map(|(_, value)| value).ok_or_else(|| Failure::Local(format!("Invalid field filter '{field}'.")))
}

/// An entity to show.
struct Shown<'a> {
    noun: &'a str,
    name: &'a str,
    entity: &'a Json,
}

/// Shows a whole entity, or one member of it, after the `ok:` line.
fn show_entity(out: &mut Printer, shown: &Shown<'_>, field: Option<&str>) -> Result<(), Failure> {
    let Shown { noun, name, entity } = shown;
    let bold = out.bold(name);
    match field {
        None => {
            out.ok(format!("got {noun} {bold}"))?;
            out.json(entity)?;
        }
        Some(field) => {
            let value = field_of(entity, field)?;
            out.ok(format!("got {noun} {bold}, displaying field {}", out.bold(field)))?;
            out.json(&value)?;
        }
    }
    Ok(())
}

/// A command with its own flags read.
pub(crate) trait Run {
    /// Does it and returns the exit code.
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure>;
}

type Job = Box<dyn FnOnce(&mut Context<'_>) -> Result<u8, Failure>>;

/// A command ready to run, and the shared flags given with it.
pub(crate) struct Planned {
    globals: GlobalFlags,
    job: Job,
}

impl Planned {
    pub(crate) fn leaf<A: Run + Args + 'static, G: Args + Into<GlobalFlags>>(leaf: Leaf<A, G>) -> Self {
        let Leaf { args, globals } = leaf;
        Self { globals: globals.into(), job: Box::new(move |context| args.run(context)) }
    }

    pub(crate) fn group<C: Plan>(group: Group<C>) -> Self {
        group.command.plan().under(group.globals)
    }

    /// The same with further flags, which stood further left.
    pub(crate) fn under(self, outer: GlobalFlags) -> Self {
        Self { globals: outer.then(self.globals), ..self }
    }

    /// Finds out what is in force, runs the command and returns its exit code.
    pub(crate) fn run(
        self,
        environment: &Environment,
        console: &mut Console,
        grammar: fn() -> clap::Command,
    ) -> Result<u8, Failure> {
        let Self { globals: flags, job } = self;
        let file = flags.config.clone().or_else(|| environment.property_file());
        let properties = file.as_deref().map(Properties::load).transpose()?.unwrap_or_default();
        let settings = Settings::resolve(&flags, environment, &properties);
        if settings.debug {
            note(&format!("property file {file:?}, API host {:?}", settings.host));
        }
        job(&mut Context { flags, settings, environment, console, grammar })
    }
}

/// A set of commands, one of which was named.
pub(crate) trait Plan: Subcommand {
    /// The one that was named, ready to run.
    fn plan(self) -> Planned;
}
