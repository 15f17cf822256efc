//! Containers without the platform: one of whirl's own, called behind its back, and those that are started by
//! hand with the very configuration of one of whirl's: image, network, limits, environment.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::action::{self, Language};
use crate::docker::{Engine, WHIRL_LABEL, text};
use crate::error::Error;
use crate::http::{Connection, Request};
use crate::stop::Stop;

const PORT: u16 = 8080;
const LONGEST_START: Duration = Duration::from_secs(30);

/// How whirl configures its containers of one language.
#[derive(Clone, Debug)]
pub(crate) struct Template(Value);

impl Template {
    /// Takes the configuration from a container of the whirl that serves on `api`, which must have one.
    pub(crate) fn of_whirl(api: SocketAddr, language: Language, stop: &Stop) -> Result<Self, Error> {
        let what = format!("no {} container of the whirl at {api} was there", language.label());
        stop.wait_for(&what, LONGEST_START, || Ok(whirls_own(api, language)?.pop().map(Self)))
    }

    /// What the containers of that whirl are labelled with.
    pub(crate) fn owner(&self) -> String {
        self.0["Config"]["Labels"][WHIRL_LABEL].as_str().unwrap_or_default().to_owned()
    }

    /// The image by name and id.
    pub(crate) fn image(&self) -> String {
        let id = text(&self.0, "/Image");
        format!("{} ({})", text(&self.0, "/Config/Image"), id.get(7..19).unwrap_or(&id))
    }
}

/// What docker inspect tells of the containers of one language of the whirl that serves on `api`.
fn whirls_own(api: SocketAddr, language: Language) -> Result<Vec<Value>, Error> {
    let suffix = language.kind().replace(':', "-");
    let port = format!(":{}", api.port());
    let mut own = Vec::new();
    for name in Engine.whirl_containers()?.iter().filter(|name| name.ends_with(&suffix)) {
        let Some(found) = Engine.inspect(name)? else { continue };
        let mut env = found["Config"]["Env"].as_array().into_iter().flatten().filter_map(Value::as_str);
        if env.any(|e| e.starts_with("__OW_API_HOST=") && e.ends_with(&port)) {
            own.push(found);
        }
    }
    Ok(own)
}

/// A connection to the container of whirl's that runs an action, and what to call it with. Its name joins
/// `known`, whose containers are not looked at. A stem cell refuses `/run` and is none the worse for it.
pub(crate) fn container_in_use(
    api: SocketAddr,
    language: Language,
    known: &mut Vec<String>,
) -> Result<(Connection, Request), Error> {
    for found in whirls_own(api, language)? {
        let name = text(&found, "/Name");
        let paused = found["State"]["Paused"] == Value::Bool(true);
        let Some(address) = address(&found).filter(|_| !paused && !known.contains(&name)) else { continue };
        let request = Request::post(address, "/run", "", &action::run_body());
        let mut connection = Connection::open(address).map_err(Error::io("connect to whirl's container"))?;
        if let Ok((200, _)) = connection.call(&request) {
            known.push(name);
            return Ok((connection, request));
        }
    }
    Err(Error::Unsuitable("the container that runs the action was not found".to_owned()))
}

/// Where a container serves.
fn address(found: &Value) -> Option<SocketAddr> {
    let network = text(found, "/HostConfig/NetworkMode");
    let ip = text(&found["NetworkSettings"]["Networks"][network], "/IPAddress").parse().ok()?;
    Some(SocketAddr::new(ip, PORT))
}

/// A container started by hand. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Twin {
    id: String,
    address: SocketAddr,
}

impl Drop for Twin {
    fn drop(&mut self) {
        // Whoever removed it before did what is done here.
        let _ = Engine.remove(&self.id);
    }
}

impl Twin {
    /// Creates and starts a container. It may not listen yet.
    pub(crate) fn start(template: &Template) -> Result<Self, Error> {
        let id = Engine.create(&template.0)?;
        let mut twin = Self { id, address: SocketAddr::from(([0, 0, 0, 0], PORT)) };
        Engine.start(&twin.id)?;
        let found = Engine.inspect(&twin.id)?.unwrap_or_default();
        twin.address = address(&found)
            .ok_or_else(|| Error::Unsuitable("a started container has no address".to_owned()))?;
        Ok(twin)
    }

    /// What the engine calls it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// A connection, as soon as the container listens.
    pub(crate) fn connect(&self, stop: &Stop) -> Result<Connection, Error> {
        let what = "a container did not listen";
        stop.wait_for(what, LONGEST_START, || Ok(Connection::open(self.address).ok()))
    }

    /// `POST /init` with the no-op action.
    pub(crate) fn init(&self, connection: &mut Connection, language: Language) -> Result<(), Error> {
        let request = Request::post(self.address, "/init", "", &language.init_body());
        connection.expect_ok("a container's /init", &request).map(drop)
    }

    /// What `/run` is called with.
    pub(crate) fn run_request(&self) -> Request {
        Request::post(self.address, "/run", "", &action::run_body())
    }

    /// A container that is ready to run, and a connection to it.
    pub(crate) fn ready(
        template: &Template,
        language: Language,
        stop: &Stop,
    ) -> Result<(Self, Connection), Error> {
        let twin = Self::start(template)?;
        let mut connection = twin.connect(stop)?;
        twin.init(&mut connection, language)?;
        Ok((twin, connection))
    }
}
