//! The bridge network that one owner's containers share, with traffic among them switched off.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest, NetworkInspect};

use super::engine::{Engine, EngineError};
use super::failure::SetupError;
use super::options::DockerOptions;
use super::spec::OWNER_LABEL;

const NO_TRAFFIC_AMONG_CONTAINERS: &str = "com.docker.network.bridge.enable_icc";
const BRIDGE_NAME: &str = "com.docker.network.bridge.name";

/// The network as it is on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bridge {
    /// The name Docker knows it by.
    pub(super) network: String,
    /// The network interface on the host.
    pub(super) interface: String,
    /// The host's address on it.
    pub(super) gateway: IpAddr,
}

/// Takes the owner's network if it is there and as it should be, else creates it.
pub(super) async fn provide(engine: &Engine, options: &DockerOptions) -> Result<Bridge, SetupError> {
    let name = options.network_name();
    let failed = |source| SetupError::Network { name: name.clone(), source: Box::new(source) };
    if let Some(found) = engine.network(&name).await.map_err(failed)? {
        return accept(&found, options);
    }
    engine.create_network(request(options)).await.map_err(failed)?;
    let vanished = || failed(EngineError::NotFound("it was created and is gone".to_owned()));
    accept(&engine.network(&name).await.map_err(failed)?.ok_or_else(vanished)?, options)
}

fn request(options: &DockerOptions) -> NetworkCreateRequest {
    let ipam = options.network.subnet.clone().map(|subnet| Ipam {
        config: Some(vec![IpamConfig {
            gateway: first_address(&subnet).map(|address| address.to_string()),
            subnet: Some(subnet),
            ..IpamConfig::default()
        }]),
        ..Ipam::default()
    });
    NetworkCreateRequest {
        name: options.network_name(),
        driver: Some("bridge".to_owned()),
        enable_ipv6: Some(false),
        ipam,
        options: Some(HashMap::from([(NO_TRAFFIC_AMONG_CONTAINERS.to_owned(), "false".to_owned())])),
        labels: Some(HashMap::from([(OWNER_LABEL.to_owned(), options.owner.clone())])),
        ..NetworkCreateRequest::default()
    }
}

/// The first address that a host of an IPv4 subnet can have. Docker gives it to the bridge too, but does not
/// always say so.
fn first_address(subnet: &str) -> Option<Ipv4Addr> {
    let (network, bits) = subnet.split_once('/')?;
    let mask = u32::MAX.checked_shl(32 - bits.parse::<u32>().ok().filter(|bits| (1..=30).contains(bits))?)?;
    let network = u32::from(network.parse::<Ipv4Addr>().ok()?) & mask;
    Some(Ipv4Addr::from(network + 1))
}

/// Checks that a network is what `request` would make.
fn accept(found: &NetworkInspect, options: &DockerOptions) -> Result<Bridge, SetupError> {
    let network = options.network_name();
    let differs = |what: String| SetupError::NetworkDiffers { name: network.clone(), what };
    let text = |map: &Option<HashMap<String, String>>, key: &str| map.as_ref()?.get(key).cloned();

    let owner = text(&found.labels, OWNER_LABEL);
    if owner.as_deref() != Some(options.owner.as_str()) {
        return Err(differs(format!("it belongs to {}", owner.as_deref().unwrap_or("somebody else"))));
    }
    if found.driver.as_deref() != Some("bridge") {
        return Err(differs("it is no bridge".to_owned()));
    }
    if text(&found.options, NO_TRAFFIC_AMONG_CONTAINERS).as_deref() != Some("false") {
        return Err(differs("its containers may talk to each other".to_owned()));
    }
    if found.enable_ipv6 == Some(true) || found.internal == Some(true) {
        return Err(differs("it has IPv6 or no way out".to_owned()));
    }
    let address = found.ipam.as_ref().and_then(|ipam| ipam.config.as_ref()?.first());
    let subnet = address.and_then(|address| address.subnet.as_deref());
    if options.network.subnet.is_some() && options.network.subnet.as_deref() != subnet {
        return Err(differs(format!("its subnet is {}", subnet.unwrap_or("unknown"))));
    }
    let gateway = address
        .and_then(|address| address.gateway.as_deref()?.split('/').next()?.parse().ok())
        .or_else(|| subnet.and_then(first_address).map(IpAddr::V4))
        .ok_or_else(|| differs("it has no gateway".to_owned()))?;
    let interface = text(&found.options, BRIDGE_NAME)
        .or_else(|| found.id.as_ref().map(|id| format!("br-{}", id.chars().take(12).collect::<String>())))
        .ok_or_else(|| differs("it has no interface".to_owned()))?;
    Ok(Bridge { network, interface, gateway })
}

/// Removes the network; one that is gone is no error, one that has containers in it stays.
pub(super) async fn remove(engine: &Engine, bridge: &Bridge) -> Result<(), EngineError> {
    match engine.remove_network(&bridge.network).await {
        Ok(()) | Err(EngineError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the engine says of a network made by `request`.
    fn made(options: &DockerOptions) -> NetworkInspect {
        let request = request(options);
        let address = IpamConfig { subnet: Some("172.20.0.0/16".to_owned()), ..IpamConfig::default() };
        NetworkInspect {
            id: Some("0123456789abcdef".to_owned()),
            driver: request.driver,
            enable_ipv6: request.enable_ipv6,
            options: request.options,
            labels: request.labels,
            ipam: Some(Ipam { config: Some(vec![address]), ..Ipam::default() }),
            ..NetworkInspect::default()
        }
    }

    #[test]
    fn our_own_network_is_taken_again() {
        let options = DockerOptions::new("me");
        let bridge = accept(&made(&options), &options).unwrap();
        assert_eq!((bridge.network.as_str(), bridge.interface.as_str()), ("whirl-me", "br-0123456789ab"));
        assert_eq!(bridge.gateway.to_string(), "172.20.0.1");
    }

    #[test]
    fn the_gateway_is_the_first_address() {
        let first = |subnet| first_address(subnet).map(|address| address.to_string());
        assert_eq!(first("10.213.7.0/24").as_deref(), Some("10.213.7.1"));
        assert_eq!(first("172.20.255.255/12").as_deref(), Some("172.16.0.1"));
        for bad in ["10.0.0.0", "10.0.0.0/x", "10.0.0.0/0", "10.0.0.0/32", "fd00::/64"] {
            assert_eq!(first(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_network_that_differs_is_not() {
        let options = DockerOptions::new("me");
        let good = made(&options);
        let mut subnet = options.clone();
        subnet.network.subnet = Some("10.9.0.0/16".to_owned());
        for (network, options) in [
            (NetworkInspect { labels: None, ..good.clone() }, &options),
            (NetworkInspect { options: None, ..good.clone() }, &options),
            (NetworkInspect { driver: Some("macvlan".to_owned()), ..good.clone() }, &options),
            (NetworkInspect { enable_ipv6: Some(true), ..good.clone() }, &options),
            (NetworkInspect { ipam: None, ..good.clone() }, &options),
            (good.clone(), &subnet),
        ] {
            assert!(matches!(accept(&network, options), Err(SetupError::NetworkDiffers { .. })));
        }
    }
}
