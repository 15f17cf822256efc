//! Holds the chart in `helm/whirl` to what the programs read and to what it promises of itself. It installs nothing
//! and knows no more of Kubernetes than the objects that the chart makes.
//!
//! Rendering needs `helm`, from the path or named by `WHIRL_TEST_HELM`; without it the tests that render leave
//! themselves out.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use whirl_system_tests::{Program, skip};

/// The files in `helm/whirl/ci` with values.
const VALUES: [&str; 3] = ["trial", "external", "gpu"];

/// Any that the chart allows: a helm that was not built by its project takes itself for an old cluster.
const KUBERNETES: &str = "1.31.0";

fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../helm/whirl")
}

fn read(file: &str) -> String {
    fs::read_to_string(chart().join(file)).unwrap()
}

/// The program that renders.
fn helm() -> Option<OsString> {
    let answers = |program: &OsString| {
        Command::new(program).arg("version").output().is_ok_and(|output| output.status.success())
    };
    if let Some(named) = env::var_os("WHIRL_TEST_HELM") {
        assert!(answers(&named), "WHIRL_TEST_HELM is set to what is no helm: {}", named.display());
        return Some(named);
    }
    let found = OsString::from("helm");
    if answers(&found) { Some(found) } else { skip("there is no helm; WHIRL_TEST_HELM would name one") }
}

/// The objects that the chart makes of a file with values.
fn render(helm: &OsString, values: &str) -> Vec<Value> {
    let output = Command::new(helm)
        .args(["template", "whirl"])
        .arg(chart())
        .args(["--namespace", "serve", "--kube-version", KUBERNETES, "--values"])
        .arg(chart().join("ci").join(values).with_extension("yaml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{values}: {}", String::from_utf8_lossy(&output.stderr));
    let objects: Vec<Value> = serde_saphyr::from_multiple(str::from_utf8(&output.stdout).unwrap()).unwrap();
    assert!(objects.len() > 5, "{values}: {} objects", objects.len());
    objects
}

/// Renders all files with values, and shows the objects of each to `check`.
fn each_rendering(check: impl Fn(&str, &[Value])) {
    let Some(helm) = helm() else { return };
    for values in VALUES {
        check(values, &render(&helm, values));
    }
}

/// A pod that an object makes, or is.
struct Pod<'a> {
    name: &'a str,
    spec: &'a Value,
}

impl<'a> Pod<'a> {
    fn of(object: &'a Value) -> Option<Self> {
        let spec = match object["kind"].as_str()? {
            "Pod" => &object["spec"],
            "Deployment" | "DaemonSet" | "StatefulSet" => &object["spec"]["template"]["spec"],
            _ => return None,
        };
        Some(Self { name: object["metadata"]["name"].as_str()?, spec })
    }

    /// Its containers, those that only prepare among them.
    fn containers(&self) -> impl Iterator<Item = &'a Value> {
        items(&self.spec["containers"]).chain(items(&self.spec["initContainers"]))
    }
}

fn pods(objects: &[Value]) -> Vec<Pod<'_>> {
    let pods: Vec<_> = objects.iter().filter_map(Pod::of).collect();
    assert!(pods.len() >= 3, "controllers, invokers and the test are pods");
    pods
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

/// The variables of a container that are settings of ours, with their entry.
fn settings(container: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let named = items(&container["env"]).map(|entry| (entry["name"].as_str().unwrap(), entry));
    named.filter(|(name, _)| name.starts_with("WHIRL_"))
}

#[test]
fn every_value_has_a_schema_and_a_use() {
    let schema = Schema(serde_json::from_str(&read("values.schema.json")).unwrap());
    let values: Value = serde_saphyr::from_str(&read("values.yaml")).unwrap();
    let templates: String = fs::read_dir(chart().join("templates"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let words: BTreeSet<&str> = templates.split(|c: char| !c.is_alphanumeric()).collect();
    let mut unused = schema.checked_keys("values", &schema.0, &values);
    assert!(unused.len() > 50, "{unused:?}");
    unused.retain(|key| !words.contains(key.rsplit('.').next().unwrap()));
    assert_eq!(unused, Vec::<String>::new(), "no template mentions these");
}

/// The schema of the values.
struct Schema(Value);

impl Schema {
    /// Checks that an object of the values has the keys that its schema names, and no others are allowed; and so
    /// the objects in it. Gives all keys, with their place. Objects without named keys are Kubernetes' business.
    fn checked_keys(&self, place: &str, schema: &Value, values: &Value) -> Vec<String> {
        let schema = match schema["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.trim_start_matches('#')).unwrap(),
            None => schema,
        };
        let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
        assert_eq!(schema["additionalProperties"], false, "{place} takes what nothing reads");
        // Those that charts above this one set, and a kind of resources that need not be there.
        let known: BTreeSet<&String> =
            properties.keys().filter(|key| *key != "global" && *key != "claims").collect();
        let values = values.as_object().unwrap();
        assert_eq!(values.keys().collect::<BTreeSet<_>>(), known, "{place}");
        let within = values.iter().flat_map(|(key, value)| {
            let place = format!("{place}.{key}");
            let mut keys = self.checked_keys(&place, &properties[key], value);
            keys.push(place);
            keys
        });
        within.filter(|key| !key.contains(".resources.")).collect()
    }
}

#[test]
fn every_variable_is_a_setting() {
    let programs = [("controller", Program::Controller), ("invoker", Program::Invoker)];
    let known = programs.map(|(name, program)| (name, program.documented_variables()));
    each_rendering(|values, objects| {
        let mut seen = BTreeSet::new();
        for container in pods(objects).iter().flat_map(Pod::containers) {
            let name = container["name"].as_str().unwrap();
            let set: Vec<_> = settings(container).map(|(variable, _)| variable).collect();
            let known = known.iter().find(|(program, _)| *program == name).map(|(_, known)| known);
            let unknown: Vec<_> = set.iter().filter(|v| !known.is_some_and(|k| k.contains(**v))).collect();
            assert!(unknown.is_empty(), "{values}: {name} is given {unknown:?}, which it does not read");
            if known.is_some() {
                assert!(set.len() > 10, "{values}: {name} is given {set:?}");
                seen.insert(name);
            }
        }
        assert_eq!(seen.len(), programs.len(), "{values}: {seen:?}");
    });
}

/// Kubernetes would add variables such as `WHIRL_KAFKA_PORT`, which a server of ours refuses as no setting of its.
#[test]
fn no_pod_gets_variables_or_tokens_that_it_did_not_ask_for() {
    each_rendering(|values, objects| {
        for pod in pods(objects) {
            assert_eq!(pod.spec["enableServiceLinks"], false, "{values}: {}", pod.name);
            assert_eq!(pod.spec["automountServiceAccountToken"], false, "{values}: {}", pod.name);
        }
        let rights = objects.iter().filter(|o| o["kind"].as_str().is_some_and(|kind| kind.contains("Role")));
        assert_eq!(rights.count(), 0, "{values}: nothing asks the Kubernetes API");
    });
}

#[test]
fn images_have_tags() {
    each_rendering(|values, objects| {
        for pod in pods(objects) {
            for container in pod.containers() {
                let image = container["image"].as_str().unwrap();
                let name = image.rsplit('/').next().unwrap();
                let tag = name.split_once(':').map(|(_, tag)| tag).unwrap_or_default();
                assert!(!tag.is_empty() && tag != "latest", "{values}: {} runs {image}", pod.name);
            }
        }
    });
}

#[test]
fn probes_and_services_point_to_ports_that_are_declared() {
    each_rendering(|values, objects| {
        let mut declared = BTreeSet::new();
        for pod in pods(objects) {
            for container in pod.containers() {
                let own: BTreeSet<&str> =
                    items(&container["ports"]).map(|port| port["name"].as_str().unwrap()).collect();
                for probe in ["readinessProbe", "livenessProbe", "startupProbe"] {
                    for way in ["httpGet", "tcpSocket"] {
                        let Some(port) = container[probe][way].get("port") else { continue };
                        let there = port.as_str().is_some_and(|port| own.contains(port));
                        assert!(there, "{values}: {probe} of {} asks at {port}", pod.name);
                    }
                }
                declared.extend(own);
            }
        }
        for service in objects.iter().filter(|object| object["kind"] == "Service") {
            for port in items(&service["spec"]["ports"]) {
                let target = port["targetPort"].as_str().unwrap();
                assert!(
                    declared.contains(target),
                    "{values}: {} leads to {target}",
                    service["metadata"]["name"]
                );
            }
        }
    });
}

/// Ports of controllers and invokers, and what sets them.
const PORTS: [(&str, &str); 3] =
    [("api", "WHIRL_PORT"), ("gateway", "WHIRL_GATEWAY_PORT"), ("admin", "WHIRL_ADMIN_PORT")];

/// The API, the gateway and the administration listen where the ports are declared.
#[test]
fn servers_listen_where_their_ports_are_declared() {
    each_rendering(|values, objects| {
        let mut count = 0;
        for container in pods(objects).iter().flat_map(Pod::containers) {
            let set: Vec<_> = settings(container).collect();
            for (port, variable) in PORTS {
                let Some((_, entry)) = set.iter().find(|(name, _)| *name == variable) else { continue };
                let declared = items(&container["ports"]).find(|p| p["name"] == port).unwrap();
                let number = declared["containerPort"].to_string();
                assert_eq!(entry["value"].as_str(), Some(number.as_str()), "{values}: {variable}");
                count += 1;
            }
        }
        assert!(count >= 4, "{values}: {count} ports");
    });
}

#[test]
fn secrets_are_in_secrets_alone() {
    const SECRET: [&str; 6] = ["PASSWORD", "CREDENTIALS", "SECRET", "TOKEN", "AUTH", "USER"];
    each_rendering(|values, objects| {
        for pod in pods(objects) {
            for entry in pod.containers().flat_map(|container| items(&container["env"])) {
                let name = entry["name"].as_str().unwrap();
                if SECRET.iter().any(|word| name.ends_with(word)) {
                    assert!(entry.get("value").is_none(), "{values}: {} has {name} in clear", pod.name);
                    assert!(entry["valueFrom"].get("secretKeyRef").is_some(), "{values}: {name}");
                }
            }
        }
        // What was made at random is nowhere but in its secret.
        let texts: Vec<String> =
            objects.iter().filter(|o| o["kind"] != "Secret").map(Value::to_string).collect();
        for secret in objects.iter().filter(|object| object["kind"] == "Secret") {
            for (key, value) in secret["data"].as_object().unwrap() {
                let value = value.as_str().unwrap();
                let clear = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, value).unwrap();
                let clear = String::from_utf8(clear).ok().filter(|clear| clear.len() > 16);
                for text in &texts {
                    assert!(!text.contains(value), "{values}: {key} is not in its secret alone");
                    assert!(!clear.as_deref().is_some_and(|c| text.contains(c)), "{values}: {key} in clear");
                }
            }
        }
    });
}

/// A server does not start without a key file that it is told of.
#[test]
fn key_files_come_from_secrets() {
    each_rendering(|values, objects| {
        let mut count = 0;
        for pod in pods(objects) {
            for (variable, entry) in pod.containers().flat_map(settings) {
                let file = entry["value"].as_str().and_then(|path| path.strip_prefix("/run/whirl/"));
                let Some(file) = file else { continue };
                let keys = |list| items(list).find(|part| part["name"] == "keys");
                let copied = &keys(&pod.spec["initContainers"]).unwrap()["command"];
                let source = format!("/run/secret/{file}");
                assert!(items(copied).any(|word| *word == source), "{values}: {variable} of {}", pod.name);
                let volume =
                    items(&pod.spec["volumes"]).find(|volume| volume["name"] == "key-secrets").unwrap();
                let secrets = items(&volume["projected"]["sources"]);
                let paths = secrets.map(|source| &source["secret"]["items"][0]["path"]);
                assert!(paths.into_iter().any(|path| path == file), "{values}: {file} of {}", pod.name);
                count += 1;
            }
        }
        assert!(count >= 3, "{values}: {count} key files");
    });
}

#[test]
fn only_invokers_are_given_rights_over_their_node() {
    each_rendering(|values, objects| {
        for pod in pods(objects) {
            let on_node = pod.spec["hostNetwork"] == true
                || items(&pod.spec["volumes"]).any(|volume| volume.get("hostPath").is_some());
            let root = pod.spec["securityContext"]["runAsNonRoot"] != true;
            let invoker = pod.name.contains("invoker");
            assert_eq!((on_node, root), (invoker, invoker), "{values}: {}", pod.name);
            for container in pod.containers() {
                let context = &container["securityContext"];
                assert_eq!(context["allowPrivilegeEscalation"], false, "{values}: {}", pod.name);
                assert_eq!(context["capabilities"]["drop"][0], "ALL", "{values}: {}", pod.name);
            }
        }
    });
}
