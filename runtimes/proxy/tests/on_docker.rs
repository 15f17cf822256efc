//! Starts the action images with the docker client, confined as the platform confines them.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, PoisonError, Weak};

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
    let network = Network::shared();
    let mut arguments = vec!["create", "--memory=256m", "--cap-drop=ALL", "--security-opt=no-new-privileges"];
    arguments.extend(["--network", &network.name]);
    arguments.extend(variables.iter().map(String::as_str));
    arguments.push(image);
    let id = docker(&arguments).expect("the container is made").0.trim().to_owned();
    // From here on it is removed, whatever happens.
    let host = Docker { id, _network: network };
    docker(&["start", &host.id]).expect("the container starts");
    let format = "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let ip = docker(&["inspect", format, &host.id]).expect("the container can be inspected").0;
    let ip: Ipv4Addr = ip.trim().parse().expect("the container has an address");
    let address = SocketAddr::from((ip, 8080));
    http::wait_for_listener(address, || true);
    Ok(Container { address, inner_port: 8080, host: Box::new(host) })
}

struct Docker {
    id: String,
    _network: Arc<Network>,
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

/// The network of the containers that live at this moment. Docker gives a bridge that it makes an address of its own;
/// the default bridge may be one that takes its address from its ports, and then every container that comes or goes
/// cuts the others off until they ask for the address again.
struct Network {
    name: String,
}

impl Network {
    /// The one there is, or a new one. The last container to go takes it along.
    fn shared() -> Arc<Self> {
        static SHARED: Mutex<(Weak<Network>, u32)> = Mutex::new((Weak::new(), 0));
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let (network, made) = &mut *shared;
        network.upgrade().unwrap_or_else(|| {
            *made += 1;
            let name = format!("whirl-proxy-test-{}-{made}", std::process::id());
            docker(&["network", "create", &name]).expect("a network is made");
            let new = Arc::new(Self { name });
            *network = Arc::downgrade(&new);
            new
        })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _already_gone = docker(&["network", "rm", &self.name]);
    }
}

/// Runs the docker client; returns its stdout and stderr.
fn docker(arguments: &[&str]) -> Result<(String, String), String> {
    let Output { status, stdout, stderr } =
        Command::new("docker").args(arguments).output().map_err(|error| error.to_string())?;
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if status.success() { Ok((stdout, stderr)) } else { Err(stderr) }
}
