//! `connectors`: how databases are reached.

use std::time::Duration;

use super::section::Section;

#[derive(Debug, Clone)]
pub(crate) struct ConnectorsConfig {
    /// Hosts a DSN may name. `None`: any but link-local and metadata addresses.
    pub(crate) allowed_hosts: Option<Vec<String>>,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    /// Connections to one source.
    pub(crate) pool_size: u16,
}

impl ConnectorsConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let allowed_hosts = section.texts("allowed_hosts", &[]);
        Self {
            allowed_hosts: Some(allowed_hosts).filter(|hosts| !hosts.is_empty()),
            connect_timeout: section.duration("connect_timeout", Duration::from_secs(5)),
            idle_timeout: section.duration("idle_timeout", Duration::from_secs(300)),
            pool_size: section.number("pool_size", 8, 1..=1000),
        }
    }
}
