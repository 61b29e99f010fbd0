//! What the REST contract says, as Rust: generated from `api/openapi.yaml`.

pub(crate) mod routes;
pub(crate) mod types;
