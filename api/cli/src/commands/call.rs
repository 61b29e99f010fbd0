//! `get`, `post`, `patch`, `delete`: any path of the contract.

use super::Session;
use crate::cli::Call;
use crate::exit::Failure;
use crate::params::{json, pair};
use air_client::Method;
use serde_json::Value;

pub(super) async fn call(session: &Session, method: Method, call: &Call) -> Result<(), Failure> {
    let mut request = session.client.request(method, &call.path)?;
    let query = call.query.iter().map(|q| pair(q)).collect::<Result<Vec<_>, _>>()?;
    if !query.is_empty() {
        request = request.query(&query);
    }
    for header in &call.header {
        let (name, value) = pair(header)?;
        request = request.header(name, value);
    }
    if let Some(body) = &call.json {
        request = request.json(&json(body)?);
    }
    let text = request.text().await?;
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => session.output.json(&value),
        Err(_) if text.is_empty() => Ok(()),
        Err(_) => session.output.bytes(text.as_bytes()),
    }
}
