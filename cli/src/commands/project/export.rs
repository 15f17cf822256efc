//! `wsk project export`.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use clap::Args;

use super::flags::ProjectFlags;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::output::yaml;
use crate::project::export::Export;

/// What to export: all that a managed project put on the server, or without --projectname the whole namespace.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    project: ProjectFlags,
}

impl Run for ExportArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let path = self.project.new_manifest();
        let unable = || format!("Unable to write the manifest '{}'", path.display());
        if path.exists() {
            return Err(Failure::Local(format!("The file '{}' already exists", path.display())));
        }
        let client = context.client()?;
        let export = Export {
            client: &client,
            namespace: self.project.namespace(),
            project: self.project.projectname(),
            folder: path.parent().unwrap_or(Path::new("")),
        };
        let manifest = export.run()?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .and_then(|mut file| file.write_all(yaml::document(&manifest).as_bytes()))
            .map_err(Failure::file(unable()))?;
        context.out().ok(format!("exported to {}", path.display()))?;
        Ok(exit::OK)
    }
}
