//! Where to listen and which launcher to run, from arguments and environment. Nothing here touches the system.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};

use crate::Error;

/// How one proxy is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Address of the HTTP server. `WHIRL_PROXY_LISTEN`, default `0.0.0.0:8080`, the port OpenWhisk expects.
    pub listen: SocketAddr,
    /// The launcher's program and arguments, never empty. The proxy's arguments, else `WHIRL_PROXY_LAUNCHER`
    /// split at white space.
    pub launcher: Vec<OsString>,
    /// What end marks begin with, so that an action cannot write one. `WHIRL_PROXY_MARK_WORD`; without it they are
    /// those of OpenWhisk.
    pub mark_word: Option<String>,
}

impl Settings {
    /// Reads the settings from the program's arguments (its own name left out) and environment.
    ///
    /// # Errors
    /// [`Error::NoLauncher`] and [`Error::BadListen`].
    pub fn read(
        arguments: impl Iterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Error> {
        let mut launcher: Vec<OsString> = arguments.collect();
        if launcher.is_empty()
            && let Some(command) = variable("WHIRL_PROXY_LAUNCHER")
        {
            launcher = command.to_string_lossy().split_whitespace().map(OsString::from).collect();
        }
        if launcher.is_empty() {
            return Err(Error::NoLauncher);
        }
        let listen = match variable("WHIRL_PROXY_LISTEN") {
            None => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080)),
            Some(text) => {
                let text = text.to_string_lossy();
                text.parse().map_err(|_| Error::BadListen(text.into_owned()))?
            }
        };
        let mark_word = variable("WHIRL_PROXY_MARK_WORD").map(|word| word.to_string_lossy().into_owned());
        Ok(Self { listen, launcher, mark_word })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Settings, Error> {
        Settings::read(arguments.iter().map(OsString::from), |name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn arguments_win_over_the_environment() {
        let settings = read(&["node", "a.js"], &[("WHIRL_PROXY_LAUNCHER", "python3 b.py")]).unwrap();
        assert_eq!(settings.launcher, ["node", "a.js"]);
        assert_eq!(settings.listen.to_string(), "0.0.0.0:8080");
    }

    #[test]
    fn the_environment_gives_launcher_and_address() {
        let variables = [("WHIRL_PROXY_LAUNCHER", "python3  b.py"), ("WHIRL_PROXY_LISTEN", "127.0.0.1:9")];
        let settings = read(&[], &variables).unwrap();
        assert_eq!(settings.launcher, ["python3", "b.py"]);
        assert_eq!(settings.listen.to_string(), "127.0.0.1:9");
    }

    #[test]
    fn a_missing_launcher_and_a_bad_address_are_errors() {
        assert!(matches!(read(&[], &[]), Err(Error::NoLauncher)));
        assert!(matches!(read(&["x"], &[("WHIRL_PROXY_LISTEN", "here")]), Err(Error::BadListen(_))));
    }
}
