//! `wsk action invoke NAME`: starts an action and tells how it went.

use std::io;

use clap::Args;
use whirl_model::Json;

use crate::client::{Finished, Invoked, Wait};
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::flags::Parameters;
use crate::name::QualifiedName;
use crate::output::Printer;

/// What to invoke and how long to wait.
#[derive(Debug, Args)]
pub struct InvokeArgs {
    /// The action
    name: QualifiedName,
    #[command(flatten)]
    parameters: Parameters,
    /// Wait for the activation record
    #[arg(short, long)]
    blocking: bool,
    /// Wait for the result and show nothing else
    #[arg(short, long)]
    result: bool,
}

impl InvokeArgs {
    fn wait(&self) -> Wait {
        match (self.result, self.blocking) {
            (true, _) => Wait::Result,
            (false, true) => Wait::Record,
            (false, false) => Wait::No,
        }
    }
}

impl Run for InvokeArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let arguments = self.parameters.read()?.map(|values| Json::of(&values));
        let wait = self.wait();
        let invoked = context
            .client()?
            .actions()
            .invoke(&self.name, wait, arguments.as_ref())
            .map_err(Failure::request(format!("Unable to invoke action '{}'", self.name.local())))?;
        match invoked {
            Invoked::Accepted { id } => {
                told(context.out(), &self.name, &id)?;
                Ok(exit::OK)
            }
            Invoked::Unfinished { id } => {
                let err = context.console.err();
                let (name, id) = (err.bold(&self.name.to_string()), err.bold(&id));
                err.ok(format!("invoked {name}, but the request has not yet finished, with id {id}"))?;
                Ok(exit::TIMED_OUT)
            }
            Invoked::Finished(finished) => {
                let stream = if finished.success { context.console.out() } else { context.console.err() };
                show(stream, &self.name, wait, &finished)?;
                Ok(exit_code(&finished))
            }
        }
    }
}

fn exit_code(finished: &Finished) -> u8 {
    match (finished.success, finished.status) {
        (true, _) => exit::OK,
        (false, 200..300) => exit::of_status(exit::FAILED_ACTION),
        (false, status) => exit::of_status(status),
    }
}

fn show(stream: &mut Printer, name: &QualifiedName, wait: Wait, finished: &Finished) -> io::Result<()> {
    if wait != Wait::Result {
        told(stream, name, finished.id.as_deref().unwrap_or_default())?;
    }
    stream.json(&finished.body)
}

/// `ok: invoked /NS/NAME with id ID`
pub(in crate::commands) fn told(stream: &mut Printer, name: &QualifiedName, id: &str) -> io::Result<()> {
    let (name, id) = (stream.bold(&name.to_string()), stream.bold(id));
    stream.ok(format!("invoked {name} with id {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command_line::{Command, tests::read};
    use crate::commands::ActionCommand;

    fn invoke(words: &[&str]) -> InvokeArgs {
        let wsk = read(&[&["action", "invoke"], words].concat()).unwrap();
        let Command::Action(group) = wsk.command else { panic!("not the action command") };
        let ActionCommand::Invoke(leaf) = *group.command else { panic!("not the invoke command") };
        leaf.args
    }

    #[test]
    fn a_result_is_waited_for() {
        assert_eq!(invoke(&["a"]).wait(), Wait::No);
        assert_eq!(invoke(&["a", "-b"]).wait(), Wait::Record);
        assert_eq!(invoke(&["-r", "a"]).wait(), Wait::Result);
        assert_eq!(invoke(&["-br", "a"]).wait(), Wait::Result);
        assert_eq!(invoke(&["a b", "-p", "x", "-1", "--blocking=false"]).name.to_string(), "/_/a b");
    }

    #[test]
    fn a_failed_action_exits_as_its_status_says() {
        let finished = |success, status| Finished { id: None, status, success, body: Json::empty_object() };
        assert_eq!(exit_code(&finished(true, 200)), 0);
        assert_eq!(exit_code(&finished(false, 200)), 246);
        assert_eq!(exit_code(&finished(false, 502)), 246);
        assert_eq!(exit_code(&finished(false, 500)), 244);
    }
}
