//! Where the administration is and what opens it: flag before environment before property file.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::client::{AdminClient, Auth, ClientConfig};
use crate::commands::Context;
use crate::exit::Failure;

/// Where a server on this machine has its administration.
const DEFAULT_HOST: &str = "http://127.0.0.1:4233";

/// The flags of every administration command.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Administration")]
pub(super) struct Access {
    /// Address of the administration, http://127.0.0.1:4233 unless given
    #[arg(long, value_name = "HOST")]
    adminhost: Option<String>,
    /// Key of the administration
    #[arg(long, value_name = "KEY")]
    adminkey: Option<String>,
    /// File with the key; the server writes admin.key into its data directory
    #[arg(long, value_name = "FILE")]
    adminkey_file: Option<PathBuf>,
}

impl Access {
    /// A client for the administration.
    pub(super) fn client(&self, context: &Context<'_>) -> Result<AdminClient, Failure> {
        let host = self.adminhost.clone().or_else(|| context.settings.admin.host.clone());
        let config = ClientConfig {
            insecure: context.settings.insecure,
            observer: context.observer(),
            ..ClientConfig::new(host.unwrap_or_else(|| DEFAULT_HOST.to_owned()))
        };
        Ok(AdminClient::new(config.with_auth(self.key(context)?))?)
    }

    /// A flag of either sort goes before the environment.
    fn key(&self, context: &Context<'_>) -> Result<Auth, Failure> {
        let settings = &context.settings.admin;
        match (&self.adminkey, &self.adminkey_file, &settings.key, &settings.key_file) {
            (Some(key), ..) => Ok(Auth::bearer(key)),
            (None, Some(file), ..) => read(file),
            (None, None, Some(key), _) => Ok(key.clone()),
            (None, None, None, Some(file)) => read(file),
            (None, None, None, None) => Err(Failure::usage(
                "The administration key is not configured (--adminkey or --adminkey-file is required)",
            )),
        }
    }
}

fn read(file: &Path) -> Result<Auth, Failure> {
    let what = format!("Unable to read the administration key file '{}'", file.display());
    Ok(Auth::bearer(std::fs::read_to_string(file).map_err(Failure::file(what))?.trim()))
}
