//! Holds `docker-compose.yml` to what the programs read, to the files beside it, and to what it promises of itself. It
//! starts nothing and needs no Docker.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use whirl_system_tests::Program;

const CONTROLLERS: [&str; 2] = ["controller0", "controller1"];
const INVOKERS: [&str; 2] = ["invoker0", "invoker1"];
const SERVERS: [&str; 3] = ["couchdb", "kafka", "etcd"];
/// Runs once and ends.
const ONCE: &str = "server-key";
const PROXY: &str = "proxy";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

fn services() -> Map<String, Value> {
    let whole: Value = serde_saphyr::from_str(&read("docker-compose.yml")).unwrap();
    whole["services"].as_object().unwrap().clone()
}

/// The variables that a service is given.
fn variables(service: &Value) -> impl Iterator<Item = (&str, &str)> {
    let given = service["environment"].as_object().into_iter().flatten();
    given.map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap())
}

#[test]
fn the_cluster_is_whole() {
    let services = services();
    let found: BTreeSet<&str> = services.keys().map(String::as_str).collect();
    let parts = [&CONTROLLERS[..], &INVOKERS, &SERVERS, &[ONCE, PROXY]];
    assert_eq!(found, parts.concat().into_iter().collect());
}

#[test]
fn every_variable_is_a_setting() {
    let services = services();
    for name in CONTROLLERS.iter().chain(&INVOKERS) {
        let program = if CONTROLLERS.contains(name) { Program::Controller } else { Program::Invoker };
        let known = program.documented_variables();
        let set: BTreeSet<&str> = variables(&services[*name]).map(|(variable, _)| variable).collect();
        for needed in
            ["WHIRL_SERVER_KEY_FILE", "WHIRL_COUCHDB__URL", "WHIRL_KAFKA__BROKERS", "WHIRL_ETCD__ENDPOINTS"]
        {
            assert!(set.contains(needed), "{name} does not get {needed}");
        }
        let unknown: Vec<_> = set.iter().filter(|variable| !known.contains(**variable)).collect();
        assert!(unknown.is_empty(), "{name} sets {unknown:?}, which nothing reads");
        let own = variables(&services[*name]).find(|(variable, _)| *variable == "WHIRL_NAME");
        assert_eq!(own, Some(("WHIRL_NAME", *name)), "a number stays with a name");
    }
}

#[test]
fn what_is_waited_for_tells_how_it_is() {
    let services = services();
    for (name, service) in &services {
        assert_eq!(service["healthcheck"]["test"][0] == "CMD", name != ONCE, "{name}");
        assert_eq!(service["restart"] == "unless-stopped", name != ONCE, "{name}");
        for (needed, how) in service["depends_on"].as_object().into_iter().flatten() {
            let condition = if needed == ONCE { "service_completed_successfully" } else { "service_healthy" };
            assert_eq!(how["condition"], condition, "{name} waits for {needed}");
            assert!(services.contains_key(needed), "{name} waits for {needed}, which is not there");
        }
    }
    for name in CONTROLLERS.iter().chain(&INVOKERS) {
        for server in SERVERS.iter().chain(&[ONCE]) {
            assert!(services[*name]["depends_on"].get(server).is_some(), "{name} does not wait for {server}");
        }
    }
}

/// Servers that ask at another port than a program was given would never see it ready.
#[test]
fn programs_are_asked_at_their_admin_ports() {
    let services = services();
    for name in CONTROLLERS.iter().chain(&INVOKERS) {
        let (_, port) = variables(&services[*name]).find(|(name, _)| *name == "WHIRL_ADMIN_PORT").unwrap();
        let (_, listen) =
            variables(&services[*name]).find(|(name, _)| *name == "WHIRL_ADMIN_LISTEN").unwrap();
        let address = if listen == "0.0.0.0" { "127.0.0.1" } else { listen };
        let asked = texts(&services[*name]["healthcheck"]["test"]).last().unwrap();
        assert_eq!(asked, format!("http://{address}:{port}/ready"), "{name}");
    }
}

#[test]
fn images_have_versions_and_stages() {
    let dockerfile = read("Dockerfile");
    for (name, service) in services() {
        let (_, tag) = service["image"].as_str().unwrap().rsplit_once(':').unwrap();
        assert!(tag != "latest" && tag.contains(|c: char| c.is_ascii_digit()), "{name} runs {tag}");
        if let Some(stage) = service["build"]["target"].as_str() {
            assert!(dockerfile.contains(&format!(" AS {stage}\n")), "{name}: there is no stage {stage}");
            assert_eq!(tag, env!("CARGO_PKG_VERSION"), "{name}");
        }
    }
}

#[test]
fn secrets_have_no_defaults_and_are_made_by_the_script() {
    const SECRET: [&str; 4] = ["PASSWORD", "CREDENTIALS", "SECRET", "TOKEN"];
    let (script, mut count) = (read("docker-compose/make-env"), 0);
    for (name, service) in services() {
        for (variable, value) in variables(&service) {
            if SECRET.iter().any(|word| variable.ends_with(word)) {
                let source = value.strip_prefix("${").and_then(|rest| rest.split_once(":?"));
                let Some((source, _)) = source else { panic!("{name} has {variable} in clear") };
                assert!(script.contains(&format!("\n{source}=$(")), "nothing makes {source}");
                count += 1;
            }
        }
    }
    assert!(count >= 7, "{count} secrets");
}

#[test]
fn ports_are_published_on_loopback_alone() {
    for (name, service) in services() {
        for port in texts(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name} publishes {port}");
        }
    }
}

#[test]
fn the_proxy_finds_the_controllers() {
    let (services, proxy) = (services(), read("docker-compose/proxy.conf"));
    for name in CONTROLLERS {
        for (port, variable) in texts(&services[name]["ports"]).zip(["WHIRL_PORT", "WHIRL_GATEWAY_PORT"]) {
            let (published, inside) = port.rsplit_once(':').unwrap();
            assert!(proxy.contains(&format!("server {published} ")), "{name} is at {published}");
            assert!(variables(&services[name]).any(|set| set == (variable, inside)), "{name}");
        }
        // The administration is reached at each of them, and not by the way that users take.
        let administration = texts(&services[name]["ports"]).nth(2).unwrap();
        let (published, inside) = administration.rsplit_once(':').unwrap();
        assert!(!proxy.contains(published), "{name}");
        assert!(variables(&services[name]).any(|set| set == ("WHIRL_ADMIN_PORT", inside)), "{name}");
        assert_eq!(texts(&services[name]["ports"]).count(), 3, "{name}");
        // The addresses of APIs that controllers tell have the port that the proxy listens at.
        let (_, port) = variables(&services[name]).find(|(name, _)| *name == "WHIRL_GATEWAY_PORT").unwrap();
        assert!(proxy.contains(&format!("listen 127.0.0.1:{port};")));
    }
    let wanted = "http://${WHIRL_BRIDGE_ADDRESS:-172.17.0.1}:3233";
    for name in INVOKERS {
        assert!(variables(&services[name]).any(|set| set == ("WHIRL_API_HOST", wanted)), "{name}");
    }
    assert!(proxy.contains("listen ${BRIDGE_ADDRESS}:3233;"));
}

/// Servers would not start with a key that nobody has made.
#[test]
fn key_files_are_made() {
    let services = services();
    let script = texts(&services[ONCE]["entrypoint"]).last().unwrap();
    for name in CONTROLLERS.iter().chain(&INVOKERS) {
        let files = variables(&services[*name]).filter(|(variable, _)| variable.ends_with("_KEY_FILE"));
        let files: Vec<_> = files.map(|(_, path)| path.strip_prefix("/run/whirl/").unwrap()).collect();
        assert_eq!(files.len(), if CONTROLLERS.contains(name) { 2 } else { 1 }, "{name}");
        for file in files {
            assert!(
                script.contains(&format!(" {file}\n")) || script.contains(&format!(">{file}\n")),
                "{file}"
            );
        }
    }
}

#[test]
fn mounted_files_are_there() {
    for (name, service) in services() {
        for volume in texts(&service["volumes"]) {
            let Some(file) = volume.strip_prefix("./").and_then(|rest| rest.split(':').next()) else {
                continue;
            };
            assert!(root().join(file).is_file(), "{name} mounts {file}");
        }
    }
}
