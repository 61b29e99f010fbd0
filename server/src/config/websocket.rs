//! `websocket`: sizes and times of one socket. Sizes are bytes.

use std::time::Duration;

use super::section::Section;

#[derive(Debug, Clone)]
pub(crate) struct WebsocketConfig {
    pub(crate) enabled: bool,
    /// Messages that wait for one slow reader.
    pub(crate) buffer_size: usize,
    pub(crate) read_buffer_size: u64,
    pub(crate) write_buffer_size: u64,
    pub(crate) handshake_timeout: Duration,
    pub(crate) ping_period: Duration,
    pub(crate) pong_wait: Duration,
    pub(crate) max_message_size: u64,
    pub(crate) enable_compression: bool,
}

impl WebsocketConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let config = Self {
            enabled: section.flag("enabled", true),
            buffer_size: section.number("buffer_size", 1024, 1..=1_048_576),
            read_buffer_size: section.size("read_buffer_size", 4096),
            write_buffer_size: section.size("write_buffer_size", 4096),
            handshake_timeout: section.duration("handshake_timeout", Duration::from_secs(10)),
            ping_period: section.duration("ping_period", Duration::from_secs(54)),
            pong_wait: section.duration("pong_wait", Duration::from_secs(60)),
            max_message_size: section.size("max_message_size", 512),
            enable_compression: section.flag("enable_compression", true),
        };
        if config.ping_period >= config.pong_wait {
            let what = "a ping must come before the wait for its answer ends";
            section.report("ping_period", what, "make it shorter than websocket.pong_wait");
        }
        config
    }
}
