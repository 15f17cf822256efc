//! Where an action's packets go: to the API and to the internet, and nowhere else.

use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::Duration;

use serde_json::{Value, json};
use whirl_system_tests::{Action, ServerOptions, World, docker, eventually, free_port, skip};

const PYTHON: &str = include_str!("network.py");
const NODE: &str = include_str!("network.js");

/// What a firewall's refusal looks like, of which the kernel sends only so many a second. A port that is merely closed
/// would be `ECONNREFUSED`.
const REFUSED: [&str; 2] = ["EHOSTUNREACH", "ETIMEDOUT"];
/// The network has no IPv6 at all.
const NO_IPV6: [&str; 2] = ["ENETUNREACH", "EADDRNOTAVAIL"];

/// What hosts serve that is not for actions: ssh, Docker, etcd, CouchDB, Kafka.
const SERVERS: [u16; 8] = [22, 2375, 2376, 2379, 2380, 5984, 9092, 9093];

/// Where clouds tell a machine its secrets, and other addresses that are not the internet.
const SPECIAL: [(&str, u16); 11] = [
    ("169.254.169.254", 80),
    ("169.254.170.2", 80),
    ("100.100.100.200", 80),
    ("192.0.0.192", 80),
    ("168.63.129.16", 80),
    ("168.63.129.16", 32526),
    ("10.0.0.1", 443),
    ("172.31.0.1", 443),
    ("192.168.0.1", 80),
    ("192.0.2.1", 80),
    ("198.18.0.1", 80),
];
const SPECIAL_IPV6: [&str; 3] = ["fd00:ec2::254", "fe80::1%eth0", "2606:4700:4700::1111"];

/// Addresses on the internet of which a host that has it can reach one.
const INTERNET: [&str; 2] = ["1.1.1.1:443", "example.com:80"];
const NAMES: [&str; 2] = ["one.one.one.one", "example.com"];

fn runtimes<'w>(world: &'w World, name: &str) -> [Action<'w>; 2] {
    [world.action(name).python(PYTHON).create(), world.action(name).node(NODE).create()]
}

/// Where an action of that world is: its own address and the host's on its network.
fn whereabouts(action: &Action<'_>) -> (String, String) {
    let record = action.invoke_blocking(&json!({}));
    let text = |member: &str| record.succeeded()[member].as_str().unwrap().to_owned();
    (text("address"), text("gateway"))
}

#[track_caller]
fn tries(action: &Action<'_>, arguments: &Value) -> Vec<String> {
    let record = action.invoke_blocking(arguments);
    let tried = record.succeeded()["tried"].as_array().unwrap();
    tried.iter().map(|outcome| outcome.as_str().unwrap().to_owned()).collect()
}

/// The host's own address on the network that leads out.
fn own_address() -> String {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).unwrap();
    // Nothing is sent; this asks for a route.
    let routed = socket.connect(("1.1.1.1", 9)).and_then(|()| socket.local_addr());
    routed.map_or_else(|_| "127.0.0.1".to_owned(), |address| address.ip().to_string())
}

/// The host's address on Docker's default bridge.
fn default_bridge() -> String {
    let format = "{{(index .IPAM.Config 0).Gateway}}";
    let address = docker(&["network", "inspect", "--format", format, "bridge"]).trim().to_owned();
    if address.is_empty() { "172.17.0.1".to_owned() } else { address }
}

#[test]
fn an_action_reaches_the_api_and_nothing_else_of_the_host() {
    let Some(world) = World::start_process(ServerOptions::docker()) else { return };
    let Some(neighbours) = World::start_process(ServerOptions::docker()) else { return };
    // What the host itself serves, on all its addresses.
    let port = free_port();
    let _listener = TcpListener::bind(("0.0.0.0", port)).unwrap();
    let (sibling, gateway) = whereabouts(&world.action("sibling").python(PYTHON).create());
    let (stranger, foreign_gateway) = whereabouts(&neighbours.action("stranger").python(PYTHON).create());

    let mut targets: Vec<(String, u16)> = Vec::new();
    for address in [gateway, default_bridge(), own_address(), foreign_gateway] {
        let ports =
            [port, world.server().admin_port(), neighbours.server().port(), neighbours.server().admin_port()];
        targets.extend(ports.into_iter().chain(SERVERS).map(|port| (address.clone(), port)));
    }
    targets.extend([(sibling, 8080), (stranger, 8080)]);
    targets.extend(SPECIAL.map(|(address, port)| (address.to_owned(), port)));
    let mut arguments = targets.clone();
    arguments.extend(SPECIAL_IPV6.map(|address| (address.to_owned(), 80)));
    // The API's own address and port.
    arguments.push((String::new(), 0));

    for action in runtimes(&world, "prober") {
        let mut outcomes = tries(&action, &json!({ "targets": arguments }));
        assert_eq!(outcomes.pop().as_deref(), Some("open"), "the API is there");
        for (target, outcome) in arguments.iter().zip(&outcomes) {
            let right = if target.0.contains(':') { NO_IPV6 } else { REFUSED };
            assert!(right.contains(&outcome.as_str()), "{target:?}: {outcome}");
        }
    }
    neighbours.end();
    world.end();
}

#[test]
fn no_datagram_of_an_action_reaches_the_host() {
    let Some(world) = World::start_process(ServerOptions::docker()) else { return };
    let receiver = UdpSocket::bind(("0.0.0.0", 0)).unwrap();
    let port = receiver.local_addr().unwrap().port();
    for action in runtimes(&world, "sender") {
        let targets = [("".to_owned(), port), (default_bridge(), port), (own_address(), port)];
        action.invoke_blocking(&json!({ "datagrams": targets })).succeeded();
        // Datagrams of one host keep their order, so that one of the actions' would come first.
        UdpSocket::bind(("127.0.0.1", 0)).unwrap().send_to(b"mine", ("127.0.0.1", port)).unwrap();
        let mut bytes = [0; 64];
        let length = receiver.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"mine");
    }
    world.end();
}

#[test]
fn an_action_reaches_the_internet() {
    let Some(world) = World::start_process(ServerOptions::docker()) else { return };
    let answers = |address: &SocketAddr| TcpStream::connect_timeout(address, Duration::from_secs(3)).is_ok();
    let reachable = |target: &str| target.to_socket_addrs().is_ok_and(|mut found| found.any(|a| answers(&a)));
    let Some(target) = INTERNET.into_iter().find(|target| reachable(target)) else {
        return skip("this host does not reach the internet").unwrap_or_default();
    };
    let (host, port) = target.split_once(':').unwrap();
    let known = NAMES.iter().find(|name| (**name, 443).to_socket_addrs().is_ok());
    for action in runtimes(&world, "caller") {
        let target = (host, port.parse::<u16>().unwrap());
        // A packet that is lost on the way is asked for again.
        eventually("a way to the internet", || {
            (tries(&action, &json!({ "targets": [target] })) == ["open"]).then_some(())
        });
        if let Some(name) = known {
            eventually("a name that is resolved", || {
                (tries(&action, &json!({ "targets": [(name, 443)] })) != ["ENOTFOUND"]).then_some(())
            });
        }
    }
    world.end();
}
