//! `get`, `post`, `patch`, `delete`: any path of the contract.

use super::{Session, rows};
use crate::cli::Call;
use crate::exit::Failure;
use crate::params::{json, pair};
use air_client::Method;
use serde_json::Value;

pub(super) async fn call(session: &Session, method: Method, call: &Call) -> Result<(), Failure> {
    let mut request = session.request(method, &call.path)?;
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
    if session.output.format.of_rows().is_some() {
        return rows::pass(session, request).await;
    }
    let response = request.send().await?;
    let bytes = response.bytes().await;
    let bytes = bytes.map_err(|e| super::strange(&format!("the answer broke off: {e}")))?;
    match (serde_json::from_slice::<Value>(&bytes), std::str::from_utf8(&bytes)) {
        (Ok(value), _) => session.output.json(&value),
        // What holds several documents, or none, or is no JSON at all, stays as it is.
        (Err(_), Ok(text)) if session.output.is_table() => {
            session.output.line(text.trim_end_matches('\n'))
        }
        (Err(_), _) => session.output.bytes(&bytes),
    }
}
