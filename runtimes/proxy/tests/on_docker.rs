//! Starts the action images with the docker client, confined as the platform confines them.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output};

use crate::support::container::{Container, Host, Language};
use crate::support::http;

/// Runs `check` on a fresh container with these environment variables, where there are images.
pub(crate) fn with(language: Language, variables: &[(&str, &str)], check: impl FnOnce(Container)) {
    match start(language, variables) {
        Ok(container) => check(container),
        Err(reason) if std::env::var("WHIRL_TEST_DOCKER").is_ok_and(|value| value == "1") => {
            panic!("{reason}");
        }
        Err(reason) => eprintln!("not tested: {reason}"),
    }
}

/// A container, or why there is nothing to start: no Docker, or no image.
fn start(language: Language, variables: &[(&str, &str)]) -> Result<Container, String> {
    let image = match language {
        Language::Node => "whirl/action-nodejs-v20:latest",
        Language::Python => "whirl/action-python-v3.11:latest",
    };
    docker(&["version"]).map_err(|reason| format!("Docker does not answer: {reason}"))?;
    docker(&["image", "inspect", image])
        .map_err(|_| format!("the image {image} is not here; scripts/images builds it"))?;
    let variables: Vec<String> =
        variables.iter().map(|(name, value)| format!("--env={name}={value}")).collect();
    let mut arguments = vec!["create", "--memory=256m", "--cap-drop=ALL", "--security-opt=no-new-privileges"];
    arguments.extend(variables.iter().map(String::as_str));
    arguments.push(image);
    let id = docker(&arguments).expect("the container is made").0.trim().to_owned();
    // From here on it is removed, whatever happens.
    let host = Docker { id };
    docker(&["start", &host.id]).expect("the container starts");
    let format = "--format={{.NetworkSettings.IPAddress}}";
    let ip = docker(&["inspect", format, &host.id]).expect("the container can be inspected").0;
    let ip: Ipv4Addr = ip.trim().parse().expect("the container has an address");
    let address = SocketAddr::from((ip, 8080));
    http::wait_for_listener(address, || true);
    Ok(Container { address, inner_port: 8080, host: Box::new(host) })
}

struct Docker {
    id: String,
}

impl Host for Docker {
    fn end(&mut self) -> (String, String) {
        docker(&["kill", "--signal=TERM", &self.id]).expect("the container still runs");
        let status = docker(&["wait", &self.id]).expect("the container ends").0;
        assert_eq!(status.trim(), "0", "exit status after SIGTERM");
        docker(&["logs", &self.id]).expect("the container has logs")
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        let _already_gone = docker(&["rm", "--force", &self.id]);
    }
}

/// Runs the docker client; returns its stdout and stderr.
fn docker(arguments: &[&str]) -> Result<(String, String), String> {
    let Output { status, stdout, stderr } =
        Command::new("docker").args(arguments).output().map_err(|error| error.to_string())?;
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if status.success() { Ok((stdout, stderr)) } else { Err(stderr) }
}
