//! Which hosts a source may be on.
//!
//! In: the list of `connectors.allowed_hosts` and a host of a DSN. Out: one address, found once
//! and kept, so that a name cannot lead elsewhere after it was checked. Deliberately absent:
//! sockets of the file system, and connecting.

use super::DatabaseError;
use crate::error::SourceError;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;

/// Where cloud machines ask for their own credentials, beside the link-local addresses.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// The hosts that sources may be on. Without a list: any, but for link-local, metadata and
/// multicast addresses. With a list: what it names; those addresses only where it names them by
/// number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(Option<Vec<Entry>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// A host's whole name, in lower case.
    Name(String),
    /// What a name ends in, with its dot: `.example.org` of `*.example.org`.
    Suffix(String),
    /// Addresses that share so many leading bits.
    Network(IpAddr, u8),
}

impl AllowedHosts {
    /// From `connectors.allowed_hosts`: names, `*.domain`, addresses, or networks such as
    /// `10.0.0.0/8`. None is any host.
    ///
    /// # Errors
    /// A sentence that names the entry that cannot be read.
    pub fn new(list: Option<&[String]>) -> Result<Self, String> {
        let Some(list) = list else {
            return Ok(Self(None));
        };
        list.iter().map(|text| entry(text)).collect::<Result<_, _>>().map(|e| Self(Some(e)))
    }

    /// The address of `host`, one that accepts connections where there are several.
    pub(crate) async fn resolve(
        &self,
        source: &str,
        host: &str,
        port: u16,
        within: Duration,
    ) -> Result<SocketAddr, SourceError> {
        let timed_out = |_| DatabaseError::TimedOut {
            id: source.to_owned(),
            what: format!("finding the address of \"{host}\""),
            seconds: within.as_secs(),
        };
        let found = tokio::time::timeout(within, addresses(source, host, port)).await;
        let found = found.map_err(timed_out)??;
        let mut refused = None;
        let mut allowed = Vec::new();
        for address in found {
            match self.check(host, address.ip()) {
                Ok(()) => allowed.push(address),
                Err(reason) => refused = Some(reason),
            }
        }
        let Some(first) = allowed.first().copied() else {
            let reason = refused.unwrap_or_else(|| "has no address".to_owned());
            let (id, host) = (source.to_owned(), host.to_owned());
            return Err(DatabaseError::HostNotAllowed { id, host, reason }.into());
        };
        if allowed.len() == 1 {
            return Ok(first);
        }
        // A name may have addresses that nobody listens on, as `localhost` often has for IPv6.
        let listening = tokio::time::timeout(within, listening(&allowed)).await;
        Ok(listening.ok().flatten().unwrap_or(first))
    }

    fn check(&self, host: &str, address: IpAddr) -> Result<(), String> {
        let address = plain(address);
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        if let Some(entries) = &self.0 {
            let is_in =
                |e: &Entry| matches!(e, Entry::Network(net, bits) if within(address, *net, *bits));
            if entries.iter().any(is_in) {
                return Ok(());
            }
            let is_named = entries.iter().any(|e| match e {
                Entry::Name(known) => *known == name,
                Entry::Suffix(end) => name.ends_with(end.as_str()),
                Entry::Network(..) => false,
            });
            if !is_named {
                return Err("is not in connectors.allowed_hosts".to_owned());
            }
        }
        match never(address) {
            Some(what) => Err(format!("is {address}, {what}")),
            None => Ok(()),
        }
    }
}

fn entry(text: &str) -> Result<Entry, String> {
    let bad = || format!("\"{text}\" is no host, *.domain, address or network");
    let text = text.trim();
    if let Some((net, bits)) = text.split_once('/') {
        let net = plain(net.parse().map_err(|_| bad())?);
        let bits: u8 = bits.parse().map_err(|_| bad())?;
        let most = if net.is_ipv4() { 32 } else { 128 };
        return if bits <= most { Ok(Entry::Network(net, bits)) } else { Err(bad()) };
    }
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        let address = plain(address);
        return Ok(Entry::Network(address, if address.is_ipv4() { 32 } else { 128 }));
    }
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    let (end, is_suffix) = match name.strip_prefix('*') {
        Some(end) => (end, true),
        None => (name.as_str(), false),
    };
    let labels = if is_suffix { end.strip_prefix('.').ok_or_else(bad)? } else { end };
    let right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if labels.is_empty() || !labels.chars().all(right) {
        return Err(bad());
    }
    Ok(if is_suffix { Entry::Suffix(end.to_owned()) } else { Entry::Name(name) })
}

async fn addresses(source: &str, host: &str, port: u16) -> Result<Vec<SocketAddr>, DatabaseError> {
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(plain(address), port)]);
    }
    let found = tokio::net::lookup_host((host, port))
        .await
        .map_err(|_| DatabaseError::UnknownHost { id: source.to_owned(), host: host.to_owned() })?;
    Ok(found.map(|a| SocketAddr::new(plain(a.ip()), a.port())).collect())
}

async fn listening(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    for address in addresses {
        if TcpStream::connect(address).await.is_ok() {
            return Some(*address);
        }
    }
    None
}

/// An IPv4 address in the clothes of an IPv6 one is the IPv4 address.
fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn within(address: IpAddr, net: IpAddr, bits: u8) -> bool {
    let share = |a: u128, b: u128, width: u32| {
        let rest = width - u32::from(bits);
        rest == width || a >> rest == b >> rest
    };
    match (address, net) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            share(u128::from(a.to_bits()), u128::from(b.to_bits()), 32)
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => share(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

/// What is refused unless its number is listed.
fn never(address: IpAddr) -> Option<&'static str> {
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6 == METADATA_V6,
    };
    if link_local {
        return Some("a link-local or metadata address");
    }
    let nowhere = match address {
        IpAddr::V4(v4) => v4.octets()[0] == 0 || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unspecified() || hidden_v4(v6),
    };
    (nowhere || address.is_multicast()).then_some("no address of one machine")
}

/// IPv4 inside an IPv6 address by other means than mapping: compatible, and translated (NAT64).
fn hidden_v4(v6: Ipv6Addr) -> bool {
    let compatible = v6.segments()[..6].iter().all(|s| *s == 0) && !v6.is_loopback();
    compatible || v6.segments()[..2] == [0x64, 0xff9b]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(entries: &[&str]) -> AllowedHosts {
        let entries: Vec<String> = entries.iter().map(|e| (*e).to_owned()).collect();
        AllowedHosts::new(Some(&entries)).unwrap()
    }

    fn allows(hosts: &AllowedHosts, host: &str, address: &str) -> bool {
        hosts.check(host, address.parse().unwrap()).is_ok()
    }

    #[test]
    fn any_host_but_metadata() {
        let any = AllowedHosts::default();
        for fine in ["127.0.0.1", "::1", "10.1.2.3", "192.0.2.1", "2001:db8::1", "::ffff:10.0.0.1"]
        {
            assert!(allows(&any, "db", fine), "{fine}");
        }
        for bad in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
            "::ffff:0.0.0.0",
            "0.1.2.3",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
        ] {
            assert!(!allows(&any, "db", bad), "{bad}");
        }
    }

    #[test]
    fn a_list_names_hosts_domains_and_networks() {
        let hosts =
            listed(&["db.example.org", "*.internal", "10.0.0.0/8", "fd12::/16", "169.254.7.7"]);
        assert!(allows(&hosts, "DB.example.org.", "192.0.2.1"));
        assert!(allows(&hosts, "a.internal", "192.0.2.1"));
        assert!(allows(&hosts, "other", "10.255.0.1"));
        assert!(allows(&hosts, "other", "::ffff:10.255.0.1"));
        assert!(allows(&hosts, "other", "fd12::5"));
        assert!(allows(&hosts, "other", "169.254.7.7"), "named by number");
        assert!(!allows(&hosts, "other", "192.0.2.1"));
        assert!(!allows(&hosts, "internal", "192.0.2.1"));
        assert!(!allows(&hosts, "xdb.example.org", "192.0.2.1"));
        assert!(!allows(&hosts, "a.internal", "169.254.169.254"), "a name does not open metadata");
        assert!(!allows(&listed(&[]), "db", "127.0.0.1"));
        assert!(allows(&listed(&["0.0.0.0/0"]), "db", "169.254.1.1"));
    }

    #[test]
    fn an_entry_that_is_nothing_is_named() {
        for bad in ["", "*", "10.0.0.0/33", "a b", "http://x", "*example.org"] {
            let error = AllowedHosts::new(Some(&[bad.to_owned()])).unwrap_err();
            assert!(error.contains(&format!("\"{bad}\"")), "{error}");
        }
    }

    #[tokio::test]
    async fn numbers_are_not_looked_up() {
        let wait = Duration::from_secs(5);
        let found =
            AllowedHosts::default().resolve("s", "::ffff:127.0.0.1", 5432, wait).await.unwrap();
        assert_eq!(found, "127.0.0.1:5432".parse().unwrap());
        let error = AllowedHosts::default().resolve("s", "169.254.169.254", 80, wait).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("\"s\"") && error.contains("169.254.169.254"), "{error}");
    }
}
