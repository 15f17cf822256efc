//! The firewall around one owner's bridge: which packets from its containers go where. Pure.
//!
//! One chain holds the rules. INPUT (packets to the host) and DOCKER-USER (packets through it) jump to it for
//! what comes from the bridge. IPv6 needs none: the network has no IPv6.

use std::net::IpAddr;

use super::network::Bridge;
use super::options::DockerOptions;

/// Everything that is not the public internet: IANA's registry of special addresses, and the public one at which
/// Azure's hosts serve their virtual machines.
const PRIVATE: [&str; 15] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// The built-in chains that jump to ours.
pub(super) const PARENTS: [&str; 2] = ["INPUT", "DOCKER-USER"];

/// The longest name of a chain that iptables takes.
const LONGEST_CHAIN: usize = 28;
const PREFIX: &str = "WHIRL-";

/// What is to be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Firewall {
    /// The chain's name: each network has its own, the same after a restart.
    pub(super) chain: String,
    /// Its rules, in order, each without `-A CHAIN`.
    pub(super) rules: Vec<String>,
    /// The rule in each parent, without `-A PARENT`.
    pub(super) jump: String,
}

/// The firewall of a bridge. `name_servers` are those that the containers' resolver asks.
pub(super) fn firewall(bridge: &Bridge, options: &DockerOptions, name_servers: &[IpAddr]) -> Firewall {
    let chain = chain_name(&bridge.network);
    let mut rules = vec!["-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT".to_owned()];
    let of_this_host = |port| format!("-d {} -p tcp -m tcp --dport {port} -j ACCEPT", bridge.gateway);
    rules.extend(options.api_port.map(of_this_host));
    // By where the packet was sent to at first: a cluster's service address is another one by now.
    for api in options.api_addresses.iter().filter(|api| api.is_ipv4()) {
        let (address, port) = (api.ip(), api.port());
        rules.push(format!("-p tcp -m conntrack --ctorigdst {address} --ctorigdstport {port} -j ACCEPT"));
    }
    for server in name_servers.iter().filter(|server| server.is_ipv4()) {
        for protocol in ["udp", "tcp"] {
            rules.push(format!("-d {server} -p {protocol} -m {protocol} --dport 53 -j ACCEPT"));
        }
    }
    let refuse = "-j REJECT --reject-with icmp-admin-prohibited";
    rules.push(format!("-m addrtype --dst-type LOCAL {refuse}"));
    rules.extend(options.network.allow.iter().map(|network| format!("-d {network} -j ACCEPT")));
    let denied = options.network.deny.iter().map(String::as_str).chain(PRIVATE);
    rules.extend(denied.map(|network| format!("-d {network} {refuse}")));
    let jump = format!("-i {} -j {chain}", bridge.interface);
    Firewall { chain, rules, jump }
}

impl Firewall {
    /// The input of `iptables-restore --noflush`, which replaces the whole chain in one step.
    pub(super) fn script(&self) -> String {
        let rules: String = self.rules.iter().map(|rule| format!("-A {} {rule}\n", self.chain)).collect();
        format!("*filter\n:{} - [0:0]\n{rules}COMMIT\n", self.chain)
    }

    /// Of a parent's rules as `iptables -S` prints them, those that jump to our chain, without `-A PARENT`.
    pub(super) fn jumps<'a>(&self, parent: &str, listing: &'a str) -> Vec<&'a str> {
        let to_us = format!("-j {}", self.chain);
        listing
            .lines()
            .filter_map(|line| line.strip_prefix("-A ")?.strip_prefix(parent)?.strip_prefix(' '))
            .filter(|rule| rule.ends_with(&to_us))
            .collect()
    }
}

/// `WHIRL-` and the network's name, which is cut and marked with a checksum if it is too long.
fn chain_name(network: &str) -> String {
    let name = format!("{PREFIX}{}", network.strip_prefix("whirl-").unwrap_or(network));
    if name.len() <= LONGEST_CHAIN {
        return name;
    }
    let head: String = name.chars().take(LONGEST_CHAIN - 9).collect();
    format!("{head}-{:08x}", checksum(network.as_bytes()))
}

/// FNV-1a: short, and the same in every process.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// The name servers in the text of a `resolv.conf` that a container can ask: not those on loopback, in whose
/// place Docker puts others.
pub(super) fn name_servers(resolv_conf: &str) -> Vec<IpAddr> {
    resolv_conf
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver")?.split_whitespace().next()?.parse().ok())
        .filter(|server: &IpAddr| !server.is_loopback())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge(network: &str) -> Bridge {
        Bridge { network: network.to_owned(), interface: "br-1".to_owned(), gateway: [172, 20, 0, 1].into() }
    }

    #[test]
    fn what_is_allowed_comes_before_what_is_refused() {
        let mut options = DockerOptions { api_port: Some(3233), ..DockerOptions::new("me") };
        options.network.allow = vec!["10.1.2.3/32".to_owned()];
        options.network.deny = vec!["8.8.8.0/24".to_owned()];
        options.api_addresses = vec!["10.3.3.3:8443".parse().unwrap()];
        let firewall = firewall(&bridge("whirl-me"), &options, &[[10, 0, 0, 2].into()]);
        let at = |text: &str| firewall.rules.iter().position(|rule| rule.contains(text)).unwrap();
        assert!(at("ESTABLISHED") < at("--dport 3233"));
        assert!(at("--dport 3233") < at("10.0.0.2 -p udp"));
        assert!(at("--ctorigdst 10.3.3.3 --ctorigdstport 8443 -j ACCEPT") < at("10.0.0.2 -p udp"));
        assert!(at("10.0.0.2 -p tcp") < at("LOCAL"));
        // Not even an allowed network opens the host itself.
        assert!(at("LOCAL") < at("10.1.2.3/32"));
        assert!(at("10.1.2.3/32") < at("8.8.8.0/24"));
        assert!(at("10.1.2.3/32") < at("10.0.0.0/8"));
        assert!(
            firewall.rules[at("169.254.0.0/16")].ends_with("-j REJECT --reject-with icmp-admin-prohibited")
        );
        assert!(firewall.script().starts_with("*filter\n:WHIRL-me - [0:0]\n-A WHIRL-me -m conntrack"));
    }

    #[test]
    fn an_api_elsewhere_opens_no_port_of_this_host() {
        let api_addresses = vec!["203.0.114.7:443".parse().unwrap()];
        let options = DockerOptions { api_addresses, ..DockerOptions::new("me") };
        let firewall = firewall(&bridge("whirl-me"), &options, &[]);
        let opened: Vec<_> = firewall.rules.iter().filter(|rule| rule.ends_with("-j ACCEPT")).collect();
        assert_eq!(
            opened,
            [
                "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                "-p tcp -m conntrack --ctorigdst 203.0.114.7 --ctorigdstport 443 -j ACCEPT",
            ]
        );
    }

    #[test]
    fn chains_have_names_of_their_own() {
        let long = chain_name("whirl-a-very-long-name-of-an-invoker-1");
        assert_eq!(long.len(), LONGEST_CHAIN);
        assert_ne!(long, chain_name("whirl-a-very-long-name-of-an-invoker-2"));
        assert_eq!(chain_name("other"), "WHIRL-other");
    }

    #[test]
    fn our_jumps_are_found_among_others() {
        let firewall = firewall(&bridge("whirl-me"), &DockerOptions::new("me"), &[]);
        let listing = "-P INPUT ACCEPT\n-A INPUT -i br-0 -j WHIRL-me\n-A INPUT -i br-1 -j WHIRL-me2\n\
                       -A INPUT -i br-1 -j WHIRL-me\n-A INPUT2 -j WHIRL-me\n";
        assert_eq!(firewall.jumps("INPUT", listing), ["-i br-0 -j WHIRL-me", "-i br-1 -j WHIRL-me"]);
    }

    #[test]
    fn name_servers_on_loopback_are_not_asked() {
        let text =
            "# x\nsearch a\nnameserver 127.0.0.53\nnameserver  10.0.0.2 # y\nnameserver ::1\nnameserver";
        assert_eq!(name_servers(text), ["10.0.0.2".parse::<IpAddr>().unwrap()]);
    }
}
