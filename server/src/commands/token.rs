//! `air token`: prints one.

use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};

use super::{Place, role, say};
use crate::auth::{Authenticator, Role};
use crate::config::parse_duration;

#[derive(Debug, Args)]
pub(super) struct Token {
    #[command(flatten)]
    place: Place,
    /// Whom it stands for.
    #[arg(long, value_name = "NAME")]
    sub: String,
    /// One of viewer, editor, admin.
    #[arg(long, value_parser = role)]
    role: Role,
    /// How long it holds, such as 24h; the configuration's `token_expiry` if it is not given.
    #[arg(long, value_parser = parse_duration)]
    ttl: Option<Duration>,
    /// A further claim for policies, as `name=value`; JSON, or text.
    #[arg(long = "claim", value_name = "K=V", value_parser = claim)]
    claims: Vec<(String, Value)>,
}

fn claim(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write name=value")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

impl Token {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.place.load()?;
        let auth = &config.server.auth;
        let lifetime = self.ttl.unwrap_or(auth.token_expiry);
        let claims: Map<String, Value> = self.claims.into_iter().collect();
        say(&Authenticator::mint(auth, &self.sub, self.role, lifetime, claims)?);
        Ok(())
    }
}
