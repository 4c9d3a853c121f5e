//! Where a request may go.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Deserialize;
use url::{Host, Position, Url};

use crate::error::{Refusal, SendError};

/// Where a request may go. What is not said is the strictest: `https` on port 443, to any public address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EgressPolicy {
    /// The hosts that may be named: `hooks.example.com`, or `*.example.com` for every name below it. Empty: all.
    pub allow_hosts: Vec<String>,
    /// Networks that may be reached although they are not public, such as `10.1.0.0/16` or `127.0.0.1/32`.
    pub allow_private: Vec<IpNet>,
    /// Whether `http` may be used too: what is sent can be read on the way.
    pub allow_http: bool,
    /// The ports that may be named. Empty: 443 for `https`, 80 for `http`.
    pub ports: Vec<u16>,
    /// Whether every port may be named, whatever `ports` says.
    pub any_port: bool,
    /// A file of certificates in PEM format to trust beside those that the system trusts.
    pub ca_file: Option<PathBuf>,
}

/// A URL that the policy lets through; the addresses of its host are still to be judged.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) is_https: bool,
    /// As the `host` header says it.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) path: String,
}

impl EgressPolicy {
    /// The strictest policy, but for what is allowed here: networks that are not public, at any port, and `http`.
    #[must_use]
    pub fn open_to(private_networks: bool, http: bool) -> Self {
        let all = [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())];
        EgressPolicy {
            allow_private: if private_networks {
                all.to_vec()
            } else {
                Vec::new()
            },
            allow_http: http,
            any_port: private_networks,
            ..EgressPolicy::default()
        }
    }

    /// Reads a URL, and says what is to be said without asking for addresses.
    pub(crate) fn target(&self, url: &str) -> Result<Target, SendError> {
        let url = Url::parse(url).map_err(|error| SendError::Url(error.to_string()))?;
        let is_https = match url.scheme() {
            "https" => true,
            "http" if self.allow_http => false,
            scheme => return Err(Refusal::Scheme(scheme.to_owned()).into()),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials.into());
        }
        let host = url.host().ok_or_else(|| SendError::Url("no host".to_owned()))?;
        let default_port = if is_https { 443 } else { 80 };
        let port = url.port().unwrap_or(default_port);
        let may_use = match self.ports.as_slice() {
            [] => port == default_port,
            ports => ports.contains(&port),
        };
        if !may_use && !self.any_port {
            return Err(Refusal::Port(port).into());
        }
        let name = host.to_string();
        if !self.names(name.trim_end_matches('.')) {
            return Err(Refusal::Host(name).into());
        }
        Ok(Target {
            host: host.to_owned(),
            port,
            is_https,
            authority: url[Position::BeforeHost..Position::AfterPort].to_owned(),
            path: url[Position::BeforePath..Position::AfterQuery].to_owned(),
        })
    }

    fn names(&self, host: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_prefix("*.") {
            Some(parent) => host
                .len()
                .checked_sub(parent.len() + 1)
                .is_some_and(|at| at > 0 && host.as_bytes()[at] == b'.' && ends_with(host, parent)),
            None => host.eq_ignore_ascii_case(pattern),
        };
        self.allow_hosts.is_empty() || self.allow_hosts.iter().any(fits)
    }

    /// Whether an address may be connected to.
    pub(crate) fn permits(&self, address: IpAddr) -> bool {
        let address = meant(address);
        is_public(address)
            || self
                .allow_private
                .iter()
                .any(|network| network.contains(&address))
    }
}

fn ends_with(host: &str, parent: &str) -> bool {
    host.as_bytes()
        .get(host.len() - parent.len()..)
        .is_some_and(|end| end.eq_ignore_ascii_case(parent.as_bytes()))
}

/// The IPv4 address that an IPv6 address stands for, where it does: mapped (`::ffff:0:0/96`) or translated
/// (`64:ff9b::/96`).
fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    if let Some(four) = six.to_ipv4_mapped() {
        return four.into();
    }
    match six.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => {
            let [.., a, b, c, d] = six.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        _ => address,
    }
}

/// By the registries of special addresses (RFC 6890 and what followed it).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => is_public_v4(four),
        IpAddr::V6(six) => is_public_v6(six),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    // Public by its number, but in every machine of one large cloud the service that hands out its secrets.
    const CLOUD_HOST: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    let special = match address.octets() {
        [0 | 10 | 127, ..] => true,
        [100, b, ..] => (64..128).contains(&b),
        [169, 254, ..] => true,
        [172, b, ..] => (16..32).contains(&b),
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [192, 168, ..] => true,
        [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        [a, ..] => a >= 224,
    };
    !special && address != CLOUD_HOST
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Special uses, tunnels that carry an IPv4 address, and examples.
        [0x2001, b, ..] if b < 0x0200 => false,
        [0x2001, 0x0db8, ..] | [0x2002, ..] => false,
        [0x3fff, b, ..] if b < 0x1000 => false,
        // All that is given out as public so far.
        [a, ..] => (0x2000..0x4000).contains(&a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(policy: &EgressPolicy, address: &str) -> bool {
        policy.permits(address.parse().unwrap())
    }

    #[test]
    fn only_public_addresses_are_permitted() {
        let policy = EgressPolicy::default();
        let refused = [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.19.255.255",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "4000::1",
        ];
        for address in refused {
            assert!(!permits(&policy, address), "{address}");
        }
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2001:4860:4860::8888",
            "2606:4700::1111",
        ] {
            assert!(permits(&policy, address), "{address}");
        }
    }

    #[test]
    fn a_private_network_is_permitted_where_it_is_named_also_in_its_other_forms() {
        let policy = EgressPolicy {
            allow_private: vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()],
            ..EgressPolicy::default()
        };
        assert!(permits(&policy, "10.1.2.3"));
        assert!(permits(&policy, "::ffff:10.1.2.3"));
        assert!(permits(&policy, "fd00::1"));
        assert!(!permits(&policy, "10.2.0.1"));
        assert!(!permits(&policy, "127.0.0.1"));
    }

    #[test]
    fn a_url_is_refused_before_anybody_is_asked_for_its_address() {
        let why = |policy: &EgressPolicy, url: &str| policy.target(url).unwrap_err().to_string();
        let strict = EgressPolicy::default();
        assert!(why(&strict, "http://example.com/").contains("http"));
        assert!(why(&strict, "file:///etc/passwd").contains("file"));
        assert!(why(&strict, "gopher://example.com/").contains("gopher"));
        assert!(why(&strict, "https://example.com:22/").contains("22"));
        assert!(why(&strict, "https://name:word@example.com/").contains("password"));
        assert!(!why(&strict, "https://exa mple/secret").contains("secret"));
        let some = EgressPolicy {
            allow_hosts: vec!["Hooks.example.com".to_owned(), "*.corp.example".to_owned()],
            allow_http: true,
            ports: vec![8080],
            ..EgressPolicy::default()
        };
        assert!(some.target("http://hooks.EXAMPLE.com:8080/a?b=c#d").is_ok());
        assert!(some.target("http://hooks.example.com.:8080/").is_ok());
        assert!(some.target("http://a.corp.example:8080").is_ok());
        assert!(why(&some, "http://a.corp.example/").contains("80"));
        for host in [
            "corp.example",
            ".corp.example",
            "xcorp.example",
            "hooks.example.com.evil.test",
            "127.0.0.1",
        ] {
            assert!(some.target(&format!("http://{host}:8080/")).is_err(), "{host}");
        }
    }

    #[test]
    fn a_policy_is_as_open_as_it_is_asked_to_be() {
        let strict = EgressPolicy::open_to(false, false);
        assert_eq!(strict, EgressPolicy::default());
        let open = EgressPolicy::open_to(true, true);
        for address in ["127.0.0.1", "10.0.0.1", "::1", "fd00::1", "1.1.1.1"] {
            assert!(permits(&open, address), "{address}");
        }
        assert!(open.target("http://localhost:9999/").is_ok());
        assert!(
            EgressPolicy::open_to(true, false)
                .target("http://localhost:9999/")
                .is_err()
        );
        assert!(
            EgressPolicy::open_to(false, true)
                .target("http://localhost:9999/")
                .is_err()
        );
    }

    #[test]
    fn a_number_in_any_form_is_read_as_the_address_it_is() {
        let policy = EgressPolicy::default();
        for host in [
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "0x7f.1",
            "127.0.0.1.",
            "%31%32%37.0.0.1",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "①②⑦.0.0.1",
        ] {
            let target = policy.target(&format!("https://{host}/")).unwrap();
            let address: IpAddr = match target.host {
                Host::Ipv4(four) => four.into(),
                Host::Ipv6(six) => six.into(),
                Host::Domain(name) => panic!("{host} is taken for the name {name}"),
            };
            assert!(!policy.permits(address), "{host}");
        }
    }

    #[test]
    fn it_is_read_from_a_file() {
        let policy: EgressPolicy =
            toml::from_str("allow_hosts = [\"a.example\"]\nallow_private = [\"127.0.0.1/32\"]").unwrap();
        assert_eq!(policy.allow_hosts, ["a.example"]);
        assert!(toml::from_str::<EgressPolicy>("allow_private = [\"10.0.0.0/40\"]").is_err());
        assert!(toml::from_str::<EgressPolicy>("allow = true").is_err());
    }
}
