//! What the commands do: from flags to calls to lines. One file per command; each implements `Run`.

mod action;
mod activation;
mod admin;
mod api;
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
use crate::flags::{Command, GlobalFlags, Group, Leaf, Wsk};
use crate::output::traffic::{Traffic, note};
use crate::output::{Console, Printer};
use crate::properties::Properties;
use crate::settings::{Environment, Settings};

/// What a command has to work with.
struct Context<'c> {
    flags: GlobalFlags,
    settings: Settings,
    environment: &'c Environment,
    console: &'c mut Console,
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
trait Run {
    /// Does it and returns the exit code.
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure>;
}

type Job = Box<dyn FnOnce(&mut Context<'_>) -> Result<u8, Failure>>;

/// A command ready to run, and the shared flags given with it.
struct Planned {
    globals: GlobalFlags,
    job: Job,
}

impl Planned {
    fn leaf<A: Run + Args + 'static, G: Args + Into<GlobalFlags>>(leaf: Leaf<A, G>) -> Self {
        let Leaf { args, globals } = leaf;
        Self { globals: globals.into(), job: Box::new(move |context| args.run(context)) }
    }

    fn group<C: Plan>(group: Group<C>) -> Self {
        group.command.plan().under(group.globals)
    }

    fn under(self, outer: GlobalFlags) -> Self {
        Self { globals: outer.then(self.globals), ..self }
    }
}

/// A set of commands, one of which was named.
trait Plan: Subcommand {
    fn plan(self) -> Planned;
}

impl Plan for Command {
    fn plan(self) -> Planned {
        match self {
            Self::Action(group) => Planned::group(group),
            Self::Activation(group) => Planned::group(group),
            Self::Package(group) => Planned::group(group),
            Self::Trigger(group) => Planned::group(group),
            Self::Rule(group) => Planned::group(group),
            Self::Api(group) => Planned::group(group),
            Self::Project(group) => Planned::group(group),
            Self::Namespace(group) => Planned::group(group),
            Self::List(leaf) => Planned::leaf(leaf),
            Self::Property(group) => Planned::group(group),
            Self::Sdk(group) => Planned::group(group),
            Self::Admin(group) => Planned::group(group),
        }
    }
}

/// Runs a command and returns its exit code.
///
/// # Errors
/// What the user is to be told, with its exit code.
pub fn run(wsk: Wsk, environment: &Environment, console: &mut Console) -> Result<u8, Failure> {
    let planned = wsk.command.plan().under(wsk.globals);
    let file = planned.globals.config.clone().or_else(|| environment.property_file());
    let properties = file.as_deref().map(Properties::load).transpose()?.unwrap_or_default();
    let settings = Settings::resolve(&planned.globals, environment, &properties);
    if settings.debug {
        note(&format!("property file {file:?}, API host {:?}", settings.host));
    }
    (planned.job)(&mut Context { flags: planned.globals, settings, environment, console })
}
