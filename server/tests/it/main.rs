//! The service as a whole, in this process: its router over a folder of small files.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::type_complexity,
    reason = "a panic is how a test fails, and tables of cases hold functions"
)]

mod access;
mod agents;
mod answers;
mod asking;
mod audit;
mod catalog;
mod chat;
mod contract;
mod coverage;
mod datasources;
mod eda;
mod exports;
mod jobs;
mod planning;
mod policies;
mod reports;
mod requests;
mod runs;
mod schedules;
mod scopes;
mod service;
mod sessions;
mod sockets;
mod uploads;
mod world;
