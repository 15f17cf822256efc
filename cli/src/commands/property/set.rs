//! `wsk property set`: keeps the given global flags in the property file.

use clap::Args;

use super::property_file;
use crate::client::{Client, ClientConfig};
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::properties::{Key, Properties};

/// The global flags say what to set.
#[derive(Debug, Args)]
pub struct SetArgs {}

impl Run for SetArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let flags = &context.flags;
        let given: Vec<(Key, String)> = [
            (Key::Auth, &flags.auth),
            (Key::ApiHost, &flags.apihost),
            (Key::ApiVersion, &flags.apiversion),
            (Key::Certificate, &flags.cert),
            (Key::PrivateKey, &flags.key),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.clone()?)))
        .collect();
        check(&given)?;
        let file = property_file(context)?;
        let mut properties = Properties::load(file)?;
        for (key, value) in &given {
            properties.set(*key, value);
        }
        properties.save(file)?;
        for (key, value) in &given {
            let told = told(*key, value);
            context.out().ok(told)?;
        }
        Ok(exit::OK)
    }
}

fn check(given: &[(Key, String)]) -> Result<(), Failure> {
    if given.is_empty() {
        return Err(Failure::usage("Nothing to set: use --auth, --apihost, --apiversion, --cert or --key"));
    }
    for (key, value) in given {
        if value.is_empty() || value.contains(['\n', '\r']) {
            return Err(Failure::usage(format!(
                "The value for {} is empty or has several lines",
                key.as_str()
            )));
        }
        if *key == Key::ApiHost {
            Client::new(ClientConfig::new(value))?;
        }
    }
    Ok(())
}

/// Secrets and files are not repeated.
fn told(key: Key, value: &str) -> String {
    let hidden =
        |what: &str, flag: &str| format!("{what} set. Run 'wsk property get --{flag}' to see the new value.");
    match key {
        Key::Auth => hidden("whisk auth", "auth"),
        Key::Certificate => hidden("client cert", "cert"),
        Key::PrivateKey => hidden("client key", "key"),
        Key::ApiHost => format!("whisk API host set to {value}"),
        Key::ApiVersion => format!("whisk API version set to {value}"),
        Key::AdminHost | Key::GatewayToken => format!("{} set", key.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_to_be_usable() {
        assert!(check(&[]).is_err());
        assert!(check(&[(Key::Auth, String::new())]).is_err());
        assert!(check(&[(Key::Auth, "a\nAPIHOST=evil".into())]).is_err());
        assert!(check(&[(Key::ApiHost, "ftp://x".into())]).is_err());
        assert!(check(&[(Key::ApiHost, "localhost:3233".into()), (Key::Auth, "a:b".into())]).is_ok());
    }

    #[test]
    fn the_key_is_not_repeated() {
        assert!(!told(Key::Auth, "u:secret").contains("secret"));
        assert_eq!(told(Key::ApiHost, "h"), "whisk API host set to h");
    }
}
