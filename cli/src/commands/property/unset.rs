//! `wsk property unset`: removes properties from the file. Flags and environment are as they were.

use clap::Args;

use super::property_file;
use crate::client::DEFAULT_API_VERSION;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::properties::{Key, Properties};

/// What to remove.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct UnsetArgs {
    /// Remove the authorization key
    #[arg(short = 'u', long)]
    auth: bool,
    /// Remove the API host
    #[arg(long)]
    apihost: bool,
    /// Remove the API version
    #[arg(long)]
    apiversion: bool,
    /// Remove the client certificate
    #[arg(long)]
    cert: bool,
    /// Remove the client certificate's key
    #[arg(long)]
    key: bool,
}

impl Run for UnsetArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let wanted = [
            (self.auth, Key::Auth, "whisk auth unset".to_owned()),
            (self.apihost, Key::ApiHost, "whisk API host unset".to_owned()),
            (
                self.apiversion,
                Key::ApiVersion,
                format!("whisk API version unset; the default value of {DEFAULT_API_VERSION} will be used."),
            ),
            (self.cert, Key::Certificate, "client cert unset".to_owned()),
            (self.key, Key::PrivateKey, "client key unset".to_owned()),
        ];
        let file = property_file(context)?;
        let mut properties = Properties::load(file)?;
        for (_, key, _) in wanted.iter().filter(|(wanted, ..)| *wanted) {
            properties.unset(*key);
        }
        properties.save(file)?;
        for (_, _, told) in wanted.iter().filter(|(wanted, ..)| *wanted) {
            context.out().ok(told)?;
        }
        Ok(exit::OK)
    }
}
