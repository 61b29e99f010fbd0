//! The service as a whole, in this process: its router over a folder of small files.

#![expect(
    clippy::unwrap_used,
    clippy::type_complexity,
    reason = "a panic is how a test fails, and tables of cases hold functions"
)]

mod access;
mod agents;
mod asking;
mod catalog;
mod contract;
mod datasources;
mod exports;
mod planning;
mod reports;
mod requests;
mod runs;
mod scopes;
mod service;
mod world;
