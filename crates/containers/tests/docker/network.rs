//! Where packets of a container go: to the API and the internet, and nowhere else.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use serde_json::json;
use tokio::net::{TcpListener, UdpSocket};
use whirl_containers::docker::{DockerFactory, DockerOptions, Isolation, NetworkOptions, SetupError};
use whirl_containers::factory::ContainerFactory as _;

use crate::support::{self, Action};

/// Connects to addresses and tells what came of it.
const CONNECT: &str = r#"
import errno, socket
def attempt(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        return "connected"
    except TimeoutError:
        return "silence"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
def main(args):
    return {address: attempt(address) for address in args["addresses"]}
"#;

const RESOLVE: &str = r#"
import socket
def main(args):
    return {"address": socket.gethostbyname(args["name"])}
"#;

/// A port of the host on which somebody listens, at all addresses.
async fn service() -> (TcpListener, u16) {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// An address of the host that is not the bridge's.
fn other_address_of_the_host() -> IpAddr {
    // Connecting a datagram socket sends nothing; it only asks for a route.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    match socket.connect("203.0.113.1:9") {
        Ok(()) => socket.local_addr().unwrap().ip(),
        Err(_) => [172, 17, 0, 1].into(),
    }
}

fn rules() -> String {
    let output = Command::new("iptables").args(["--wait", "-S"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn actions_reach_the_api_and_nothing_else_nearby() {
    let (_api, api_port) = service().await;
    let (_private, private_port) = service().await;
    let options = DockerOptions { api_port: Some(api_port), ..DockerOptions::new("test-strict") };
    let Some(factory) = support::factory(options).await else { return };
    let sibling = Action::start(&factory, "whirl-test-strict-sibling", CONNECT).await;
    let action = Action::start(&factory, "whirl-test-strict", CONNECT).await;

    let gateway = factory.gateway();
    let host = other_address_of_the_host();
    let api = SocketAddr::new(gateway, api_port).to_string();
    let private = SocketAddr::new(gateway, private_port).to_string();
    let elsewhere = SocketAddr::new(host, private_port).to_string();
    let api_elsewhere = SocketAddr::new(host, api_port).to_string();
    let sibling_address = sibling.client.address().to_string();
    let metadata = "169.254.169.254:80".to_owned();
    let addresses = [&api, &private, &elsewhere, &api_elsewhere, &sibling_address, &metadata];
    let seen = action.run(json!({ "addresses": addresses })).await;
    assert_eq!(seen[&api], "connected", "{seen}");
    for refused in [&private, &elsewhere, &api_elsewhere, &metadata] {
        assert_eq!(seen[refused], "EHOSTUNREACH", "{refused}: {seen}");
    }
    assert_ne!(seen[&sibling_address], "connected", "{seen}");
    factory.remove_leftovers().await.unwrap();
    factory.close().await.unwrap();
}

#[tokio::test]
async fn an_api_elsewhere_is_reached_where_it_is_and_opens_no_other_door() {
    let (_service, port) = service().await;
    // Of this host, but to the firewall like any other address.
    let api = SocketAddr::new(other_address_of_the_host(), port);
    let options = DockerOptions { api_addresses: vec![api], ..DockerOptions::new("test-elsewhere") };
    let Some(factory) = support::factory(options).await else { return };
    let action = Action::start(&factory, "whirl-test-elsewhere", CONNECT).await;
    let (api, gateway) = (api.to_string(), SocketAddr::new(factory.gateway(), port).to_string());
    let seen = action.run(json!({ "addresses": [&api, &gateway] })).await;
    assert_eq!((&seen[&api], &seen[&gateway]), (&json!("connected"), &json!("EHOSTUNREACH")), "{seen}");
    factory.destroy(&action.name).await.unwrap();
    factory.close().await.unwrap();
}

/// The counterpart, which shows that it is the firewall that keeps the door shut.
#[tokio::test]
async fn without_isolation_the_host_is_open() {
    let (_service, port) = service().await;
    let options = DockerOptions { isolation: Isolation::None, ..DockerOptions::new("test-open") };
    let Some(factory) = support::factory(options).await else { return };
    let action = Action::start(&factory, "whirl-test-open", CONNECT).await;
    let address = SocketAddr::new(factory.gateway(), port).to_string();
    let seen = action.run(json!({ "addresses": [&address] })).await;
    assert_eq!(seen[&address], "connected");
    assert!(!rules().contains("WHIRL-test-open"));
    factory.destroy(&action.name).await.unwrap();
    factory.close().await.unwrap();
}

#[tokio::test]
async fn names_are_resolved_by_a_private_name_server() {
    let name_server: IpAddr = [10, 213, 7, 1].into();
    let network = NetworkOptions {
        subnet: Some("10.213.7.0/24".to_owned()),
        dns: vec![name_server],
        ..NetworkOptions::default()
    };
    let options = DockerOptions { network, ..DockerOptions::new("test-dns") };
    let Some(factory) = support::factory(options).await else { return };
    assert_eq!(factory.gateway(), name_server);
    let socket = UdpSocket::bind((name_server, 53)).await.unwrap();
    let server = tokio::spawn(async move {
        let mut query = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut query).await {
            socket.send_to(&reply(&query[..length]), client).await.unwrap();
        }
    });
    let action = Action::start(&factory, "whirl-test-dns", RESOLVE).await;
    let seen = action.run(json!({"name": "somewhere.example"})).await;
    assert_eq!(seen["address"], "203.0.113.7");
    server.abort();
    factory.destroy(&action.name).await.unwrap();
    factory.close().await.unwrap();
}

/// Answers a question with 203.0.113.7, or with nothing if it is not for an IPv4 address.
fn reply(query: &[u8]) -> Vec<u8> {
    let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let is_address = query[end - 4..end - 2] == [0, 1];
    let mut reply = query[..end].to_vec();
    reply[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, u8::from(is_address), 0, 0, 0, 0]);
    if is_address {
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 7]);
    }
    reply
}

#[tokio::test]
async fn rules_are_set_once_per_owner_and_taken_back() {
    let options = DockerOptions::new("test-rules");
    let Some(first) = support::factory(options.clone()).await else { return };
    let again = DockerFactory::connect(&options).await.unwrap();
    let other = support::factory(DockerOptions::new("test-rules-2")).await.unwrap();
    let jumps = |chain: &str| {
        let end = format!("-j {chain}");
        rules().lines().filter(|line| line.ends_with(&end)).count()
    };
    assert_eq!((jumps("WHIRL-test-rules"), jumps("WHIRL-test-rules-2")), (2, 2));

    first.close().await.unwrap();
    again.close().await.unwrap();
    assert_eq!((jumps("WHIRL-test-rules"), jumps("WHIRL-test-rules-2")), (0, 2));
    assert!(!rules().contains("WHIRL-test-rules "), "the chain is still there");
    other.close().await.unwrap();
}

#[tokio::test]
async fn a_network_of_somebody_else_is_not_taken() {
    let Some(factory) = support::factory(DockerOptions::new("test-mine")).await else { return };
    let network = NetworkOptions { name: Some("whirl-test-mine".to_owned()), ..NetworkOptions::default() };
    let options = DockerOptions { network, ..DockerOptions::new("test-thief") };
    let error = DockerFactory::connect(&options).await.err().unwrap();
    assert!(matches!(&error, SetupError::NetworkDiffers { .. }), "{error}");
    assert!(error.to_string().contains("belongs to test-mine"), "{error}");
    factory.close().await.unwrap();
}
