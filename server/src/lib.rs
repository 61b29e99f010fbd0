//! The service around the engine: REST, the control plane, and the operator's commands.
//!
//! In: the configuration and HTTP requests. Out: answers of the contract `api/openapi.yaml`. A
//! request enters at `routes`, is let in and checked by `admission`, and does its work in
//! `pipeline`; what is kept goes through `store`. Absent on purpose: planning, SQL and reading of
//! sources, which are the engine's and the connectors'.

mod admission;
mod auth;
mod commands;
mod config;
mod contract;
mod id;
mod pipeline;
mod problem;
mod results;
mod routes;
mod secrets;
mod service;
mod store;

pub use commands::main;
pub use service::{Service, ServiceOptions};
