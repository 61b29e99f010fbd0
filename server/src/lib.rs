//! The service around the engine: REST, the control plane, and the operator's commands.
//!
//! In: the configuration and HTTP requests. Out: answers of the contract `api/openapi.yaml`. A
//! request enters at `routes`, is let in and checked by `admission`, and does its work in
//! `pipeline`; what is kept goes through `store`. Absent on purpose: planning, SQL and reading of
//! sources, which are the engine's and the connectors'.

mod access;
mod admission;
mod allowance;
mod audit;
mod auth;
mod broker;
mod chat;
mod commands;
#[expect(dead_code, reason = "every key is read and checked; some are acted on by later versions")]
mod config;
mod contract;
mod differences;
mod eda;
mod endpoints;
mod eval;
mod events;
#[expect(dead_code, reason = "sessions, which have tables already, come with later versions")]
mod id;
mod jobs;
mod mcp;
mod metrics;
mod models;
mod outbound;
mod pipeline;
mod problem;
mod processes;
mod results;
mod routes;
#[cfg_attr(not(test), expect(dead_code, reason = "DSNs are opened by the connectors to come"))]
mod secrets;
mod service;
mod sessions;
mod socket;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "analyses and the audit log are read by later versions")
)]
mod store;
mod telemetry;
mod tools;
mod uploads;

pub use commands::main;
pub use service::{Service, ServiceOptions};
