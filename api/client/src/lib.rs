//! The client of AIR's REST service: typed calls, and any other call by its path.
//!
//! In: the address of a server, a token, and the contract's types. Out: the contract's types, or
//! an [`Error`] that holds the server's [`Problem`](types::Problem). The types and one method for
//! each operation are made from `api/openapi.yaml`. Absent on purpose: retries (a caller knows
//! whether a call may be repeated; `idempotency_key` makes it safe), caching, and the socket.

mod call;
mod client;
mod error;
mod generated;
mod tls;

pub use call::Call;
pub use client::{Client, ClientBuilder};
pub use error::Error;
pub use generated::types;
pub use reqwest::{Body, Method, Response, StatusCode};
