//! `limits`: how much one request, one user and the whole service may take (DESIGN section 17).
//!
//! Sizes are bytes, with decimal units: `10MB` is 10,000,000.

use std::time::Duration;

use super::section::Section;

#[derive(Debug, Clone)]
pub(crate) struct LimitsConfig {
    pub(crate) body: u64,
    pub(crate) upload_file: u64,
    /// Of one request, and of the files of one learning session.
    pub(crate) upload_session: u64,
    /// Of all files of one user.
    pub(crate) upload_user: u64,
    /// Of all files of all users.
    pub(crate) upload_store: u64,
    /// How long the bytes of one request may come.
    pub(crate) upload_time: Duration,
    /// How long reading a file once may take, before it is ready.
    pub(crate) upload_read: Duration,
    /// Requests at once.
    pub(crate) uploads_per_user: usize,
    pub(crate) files_per_upload: usize,
    pub(crate) files_per_user: u64,
    /// Bytes out for each byte in.
    pub(crate) decompression_ratio: u32,
    pub(crate) json_depth: usize,
    pub(crate) sql_text: u64,
    pub(crate) file_columns: usize,
    pub(crate) cell: u64,
    pub(crate) header_read: Duration,
    pub(crate) idle: Duration,
    pub(crate) request: Duration,
    pub(crate) connections: usize,
    pub(crate) sockets_per_user: usize,
    pub(crate) subscriptions_per_user: usize,
    pub(crate) messages_per_minute: u32,
    pub(crate) ai_requests_per_minute: u32,
    /// Of one key of a published endpoint.
    pub(crate) endpoint_calls_per_minute: u32,
    pub(crate) runs_per_user: usize,
    pub(crate) runs: usize,
    /// For all local queries together; beyond it they spill to disk.
    pub(crate) memory_pool: u64,
}

impl LimitsConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        Self {
            body: section.size("body", 10_000_000),
            upload_file: section.size("upload_file", 2_000_000_000),
            upload_session: section.size("upload_session", 10_000_000_000),
            upload_user: section.size("upload_user", 20_000_000_000),
            upload_store: section.size("upload_store", 100_000_000_000),
            upload_time: section.duration("upload_time", Duration::from_secs(3600)),
            upload_read: section.duration("upload_read", Duration::from_secs(600)),
            uploads_per_user: section.number("uploads_per_user", 4, 1..=1_000),
            files_per_upload: section.number("files_per_upload", 20, 1..=1_000),
            files_per_user: section.number("files_per_user", 1_000, 1..=1_000_000),
            decompression_ratio: section.number("decompression_ratio", 100, 1..=100_000),
            json_depth: section.number("json_depth", 64, 8..=120),
            sql_text: section.size("sql_text", 256_000),
            file_columns: section.number("file_columns", 10_000, 1..=100_000),
            cell: section.size("cell", 16_000_000),
            header_read: section.duration("header_read", Duration::from_secs(10)),
            idle: section.duration("idle", Duration::from_secs(60)),
            request: section.duration("request", Duration::from_secs(30)),
            connections: section.number("connections", 1_000, 1..=1_000_000),
            sockets_per_user: section.number("sockets_per_user", 20, 1..=10_000),
            subscriptions_per_user: section.number("subscriptions_per_user", 200, 1..=100_000),
            messages_per_minute: section.number("messages_per_minute", 60, 1..=100_000),
            ai_requests_per_minute: section.number("ai_requests_per_minute", 20, 1..=100_000),
            endpoint_calls_per_minute: section.number(
                "endpoint_calls_per_minute",
                600,
                1..=1_000_000,
            ),
            runs_per_user: section.number("runs_per_user", 4, 1..=10_000),
            runs: section.number("runs", 64, 1..=10_000),
            memory_pool: section.size("memory_pool", 2_000_000_000),
        }
    }
}
