//! The flags that say which project is meant, and how its plan is made from them.

use std::path::PathBuf;

use clap::Args;

use crate::client::Client;
use crate::commands::Context;
use crate::exit::Failure;
use crate::flags::Variables;
use crate::name::{NamespaceName, OWN_NAMESPACE};
use crate::output::Printer;
use crate::project::operation::Operation;
use crate::project::plan::{Plan, Terms, plan};
use crate::project::source::{Files, Source};

/// Which project.
#[derive(Debug, Args)]
pub(super) struct ProjectFlags {
    /// Folder of the project
    #[arg(short, long, value_name = "FOLDER", default_value = ".")]
    project: PathBuf,
    /// Manifest
    #[arg(short, long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Deployment file
    #[arg(short, long, value_name = "FILE")]
    deployment: Option<PathBuf>,
    /// Name of the project; the manifest's unless given
    #[arg(long, value_name = "NAME")]
    projectname: Option<String>,
    /// Namespace; the key's own unless given
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<NamespaceName>,
    /// Take runtimes as the manifest names them, whether the server tells of them or not
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    variables: Variables,
}

/// Whether a plan's entities are marked as the project's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marking {
    /// They are.
    Managed,
    /// They are not.
    Unmanaged,
}

/// A project with its plan.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    /// The name of a managed project.
    pub(super) project: Option<String>,
}

impl ProjectFlags {
    pub(super) fn namespace(&self) -> &str {
        self.namespace.as_ref().map_or(OWN_NAMESPACE, |namespace| &namespace.0)
    }

    /// The project named on the command line and no manifest to go with it.
    pub(super) fn name_alone(&self) -> Option<&str> {
        self.projectname.as_deref().filter(|_| self.manifest.is_none())
    }

    pub(super) fn projectname(&self) -> Option<&str> {
        self.projectname.as_deref()
    }

    /// Where an export goes.
    pub(super) fn new_manifest(&self) -> PathBuf {
        self.manifest.clone().unwrap_or_else(|| self.project.join("manifest.yaml"))
    }

    /// Reads the project and makes its plan; warnings go to standard error. With a client the server is asked
    /// for its runtimes.
    pub(super) fn prepare(
        &self,
        context: &mut Context<'_>,
        client: Option<&Client>,
        marking: Marking,
    ) -> Result<Prepared, Failure> {
        let source = Source::read(&self.files()?, context.environment)?;
        let project = self.projectname.clone().or_else(|| source.project.clone());
        let mark = match (marking, &project) {
            (Marking::Unmanaged, _) => None,
            (Marking::Managed, Some(project)) => Some(source.mark(project)),
            (Marking::Managed, None) => {
                return Err(Failure::usage("A managed project needs a name: use --projectname"));
            }
        };
        // A server that does not tell what it has may still have it.
        let asked = client.filter(|_| !self.strict);
        let kinds = asked.and_then(|client| client.host_info().ok()).map(|info| info.kinds());
        let terms = Terms {
            namespace: self.namespace().to_owned(),
            folder: source.folder,
            kinds: kinds.filter(|kinds| !kinds.is_empty()),
            mark,
        };
        let plan = plan(source.packages, &terms)?;
        for warning in source.warnings.iter().chain(&plan.warnings) {
            context.console.err().warning(warning)?;
        }
        Ok(Prepared { plan, project })
    }

    fn files(&self) -> Result<Files, Failure> {
        Ok(Files {
            folder: self.project.clone(),
            manifest: self.manifest.clone(),
            deployment: self.deployment.clone(),
            variables: self.variables.read()?.unwrap_or_default(),
        })
    }
}

/// One line for each operation.
pub(super) fn show(out: &mut Printer, operations: &[Operation]) -> Result<(), Failure> {
    for operation in operations {
        match operation.details() {
            Some(details) => out.line(format_args!("{operation} ({details})"))?,
            None => out.line(operation)?,
        }
    }
    Ok(())
}
