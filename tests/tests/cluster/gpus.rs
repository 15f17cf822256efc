//! An action that asks for a GPU goes where a fitting one is, and is refused where there is none. The devices are
//! settings; what Docker is asked for is in `gpu.rs` beside this folder.

use serde_json::{Value, json};
use whirl_system_tests::{Cluster, DockerRecorder, DockerRequest, eventually};

const DEVICE: &str = "GPU-11111111-0000-0000-0000-000000000001";
const TELLS: &str = "function main() { return {seen: process.env.NVIDIA_VISIBLE_DEVICES} }";
const NONE: &str = "No invoker has a fitting GPU.";

#[test]
fn actions_with_a_gpu_go_where_one_is_and_nowhere_else() {
    let docker = DockerRecorder::start();
    let Some(mut cluster) = Cluster::start(1, 2) else { return };
    let world = cluster.world(0);
    let asks = |limit: Value| world.action("gpu").node(TELLS).limit("gpu", limit).create().name;
    let (whole, t4) = (asks(json!(1)), asks(json!({"count": 1, "class": "t4"})));
    let run = |action: &str| world.post(&format!("actions/{action}?blocking=true"), &json!({}));
    assert_eq!(run(&whole).refused(503), NONE);

    let device = format!("{DEVICE}:h100:81559");
    let with_device = [("DOCKER_HOST", docker.host()), ("WHIRL_INVOKER__GPU__DEVICES", device)];
    let invoker = cluster.new_invoker_with(&with_device.each_ref().map(|(name, value)| (*name, &**value)));
    cluster.adopt_invoker(invoker);
    for _ in 0..3 {
        assert_eq!(run(&whole).finished(200).result()["seen"], DEVICE);
    }
    assert_eq!(run(&t4).refused(503), NONE);
    let creates: Vec<_> = docker.creates().into_iter().filter(|create| !create.devices().is_null()).collect();
    assert_eq!(
        creates.iter().map(DockerRequest::devices).collect::<Vec<_>>(),
        [&json!([{"DeviceIDs": [DEVICE], "Capabilities": [["gpu"]]}])]
    );

    let gpu = json!({"id": DEVICE, "model": "", "class": "h100", "memory": 81559, "ways": 1, "free": 1});
    let known = |invoker: &str| cluster.controllers[0].admin("/invokers/resources")[invoker]["gpus"].clone();
    eventually("a report that it is idle", || (known("invoker2") == json!([gpu])).then_some(()));
    assert_eq!(known("invoker0"), json!([]));
    // The invoker itself also counts what the idle container has.
    assert_eq!(cluster.invokers[2].admin("/status")["gpus"][0]["free"], 0);
    assert_eq!(cluster.invokers[2].metric("whirl_invoker_gpu_slots_held"), Some(1.0));

    assert!(cluster.invokers[2].terminate().success(), "{}", cluster.invokers[2].printed());
    cluster.await_state(0, 2, "down");
    assert_eq!(run(&whole).refused(503), NONE);
}
