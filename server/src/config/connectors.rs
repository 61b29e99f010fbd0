//! `connectors`: how databases are reached.

use std::time::Duration;

use air_connectors::AllowedHosts;

use super::section::Section;

#[derive(Debug, Clone)]
pub(crate) struct ConnectorsConfig {
    /// Hosts a DSN may name; none listed: any but link-local and metadata addresses.
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    /// Connections to one source.
    pub(crate) pool_size: u16,
}

impl ConnectorsConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let allowed_hosts = section.texts("allowed_hosts", &[]);
        let listed = Some(allowed_hosts.as_slice()).filter(|hosts| !hosts.is_empty());
        let allowed_hosts = AllowedHosts::new(listed).unwrap_or_else(|what| {
            section.report("allowed_hosts", what, "name hosts, addresses or networks");
            AllowedHosts::default()
        });
        Self {
            allowed_hosts,
            connect_timeout: section.duration("connect_timeout", Duration::from_secs(5)),
            idle_timeout: section.duration("idle_timeout", Duration::from_secs(300)),
            pool_size: section.number("pool_size", 8, 1..=1000),
        }
    }
}
