//! Layered configuration for any component's struct: defaults, then a TOML file, then the environment, then
//! flags. It knows no component's fields; those are documented where the struct is.
//!
//! Variables are the key in capitals behind `WHIRL_`, with `__` between levels:
//! `WHIRL_CONTROLLER__WORKERS=2` sets `controller.workers`. `WHIRL_CONFIG`, `WHIRL_LOG`, `WHIRL_LOG_FORMAT`
//! and everything behind `WHIRL_TEST_` are not part of it.

use std::collections::HashMap;
use std::path::PathBuf;

use config::{Config, Environment, File, FileFormat};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Variables behind `WHIRL_` that other parts of the process read.
const NOT_CONFIGURATION: [&str; 3] = ["CONFIG", "LOG", "LOG_FORMAT"];

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file '{}' cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A layer is malformed, has a key that nothing reads, or a value of the wrong sort.
    #[error("the configuration cannot be used")]
    Content(#[source] Box<config::ConfigError>),
}

impl From<config::ConfigError> for ConfigError {
    fn from(error: config::ConfigError) -> Self {
        Self::Content(Box::new(error))
    }
}

/// What lies over the defaults, weakest first.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// The process environment, or any names and values.
    pub environment: Vec<(String, String)>,
    /// Keys with dots and their values, from the command line.
    pub flags: Vec<(String, String)>,
}

impl Layers {
    /// The flags that were given, by the keys that they lie over.
    #[must_use]
    pub fn given<const N: usize>(flags: [(&str, Option<String>); N]) -> Vec<(String, String)> {
        flags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }

    /// The layers of this process: the given file and flags, and its environment as it is now.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, flags: Vec<(String, String)>) -> Self {
        Self { file, environment: std::env::vars().collect(), flags }
    }

    /// The configuration that the layers make of `T`'s defaults. `T` and the structs in it have to be
    /// `deny_unknown_fields`, so that a mistyped key is an error.
    ///
    /// # Errors
    /// When the file cannot be read, or a layer holds what `T` does not.
    pub fn load<T: Default + Serialize + DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let mut builder = Config::builder().add_source(Config::try_from(&T::default())?);
        if let Some(path) = &self.file {
            let text = std::fs::read_to_string(path)
                .map_err(|source| ConfigError::File { path: path.clone(), source })?;
            builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
        }
        builder = builder.add_source(Environment::default().separator("__").source(Some(self.variables())));
        for (key, value) in &self.flags {
            builder = builder.set_override(key, value.as_str())?;
        }
        Ok(builder.build()?.try_deserialize()?)
    }

    /// The variables that are configuration, without their prefix.
    fn variables(&self) -> HashMap<String, String> {
        let ours = |name: &str| !NOT_CONFIGURATION.contains(&name) && !name.starts_with("TEST_");
        self.environment
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("WHIRL_")?, value)))
            .filter(|(name, _)| ours(name))
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect()
    }
}

/// Logs the configuration in force, once, with secrets masked.
pub fn log_effective<T: Serialize>(configuration: &T) {
    tracing::info!(configuration = %masked(configuration), "effective configuration");
}

/// The configuration as JSON, the values of keys that end in `password`, `secret`, `token` or `credentials`
/// replaced by stars.
fn masked<T: Serialize>(configuration: &T) -> serde_json::Value {
    let mut value = serde_json::to_value(configuration).unwrap_or(serde_json::Value::Null);
    mask(&mut value);
    value
}

fn mask(value: &mut serde_json::Value) {
    const SECRET: [&str; 4] = ["password", "secret", "token", "credentials"];
    match value {
        serde_json::Value::Object(members) => {
            for (key, member) in members {
                if SECRET.iter().any(|s| key.ends_with(s)) && !member.is_null() {
                    *member = serde_json::Value::from("***");
                } else {
                    mask(member);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Whole {
        port: u16,
        store: Part,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Part {
        url: String,
        admin_password: Option<String>,
        retries: u32,
        quick: bool,
    }

    impl Default for Whole {
        fn default() -> Self {
            let store = Part { url: "mem:".into(), admin_password: None, retries: 3, quick: false };
            Self { port: 3233, store }
        }
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn each_layer_lies_over_the_one_before() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "port = 1\n[store]\nurl = \"from file\"\nretries = 1").unwrap();
        let layers = Layers {
            file: Some(file.path().into()),
            environment: pairs(&[
                ("WHIRL_STORE__RETRIES", "7"),
                ("WHIRL_STORE__QUICK", "true"),
                ("WHIRL_PORT", "2"),
                ("WHIRL_LOG", "debug"),
                ("WHIRL_TEST_X", "1"),
                ("OTHER", "1"),
            ]),
            flags: pairs(&[("port", "4")]),
        };
        let store = Part { url: "from file".into(), admin_password: None, retries: 7, quick: true };
        assert_eq!(layers.load::<Whole>().unwrap(), Whole { port: 4, store });
        assert_eq!(Layers::default().load::<Whole>().unwrap(), Whole::default());
    }

    #[test]
    fn what_nothing_reads_is_an_error() {
        for layers in [
            Layers { environment: pairs(&[("WHIRL_PROT", "1")]), ..Layers::default() },
            Layers { environment: pairs(&[("WHIRL_STORE__URI", "x")]), ..Layers::default() },
            Layers { flags: pairs(&[("port", "many")]), ..Layers::default() },
            Layers { file: Some("/nonexistent.toml".into()), ..Layers::default() },
        ] {
            assert!(layers.load::<Whole>().is_err(), "{layers:?}");
        }
    }

    #[test]
    fn secrets_are_masked() {
        let mut whole = Whole::default();
        whole.store.admin_password = Some("hunter2".into());
        let shown = masked(&whole).to_string();
        assert!(shown.contains(r#""admin_password":"***""#) && !shown.contains("hunter2"), "{shown}");
    }
}
