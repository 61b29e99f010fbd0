//! Rows in a file format: passed on as the server sends them, never held whole.

use super::{Session, strange};
use crate::exit::Failure;
use crate::output::counted;
use air_client::{Call, Response};

pub(super) async fn pass(session: &Session, call: Call) -> Result<(), Failure> {
    let mut response = call.header("Accept", session.output.format.media_type()).send().await?;
    let facts = facts(&response);
    let broken = |e| strange(&format!("the rows broke off: {e}"));
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        session.output.bytes(&chunk)?;
    }
    if let Some(facts) = facts {
        session.output.say(&facts);
    }
    Ok(())
}

/// What the headers say of a run, since a file of rows has no place for it.
fn facts(response: &Response) -> Option<String> {
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let mut text = counted(header("X-Air-Row-Count")?);
    if header("X-Air-Truncated") == Some("true") {
        text += ", cut at the limit: more exist";
    }
    if let Some(run) = header("X-Air-Run-Id") {
        text += &format!(", {run}");
    }
    Some(text)
}
