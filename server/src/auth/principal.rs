//! Principals and their roles.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::EndpointKeyId;

/// What a principal may do. Each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Viewer,
    Editor,
    Admin,
}

impl Role {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role; known: viewer, editor, admin")]
pub(crate) struct UnknownRole(pub(crate) String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        match text {
            "viewer" => Ok(Self::Viewer),
            "editor" => Ok(Self::Editor),
            "admin" => Ok(Self::Admin),
            _ => Err(UnknownRole(text.to_owned())),
        }
    }
}

/// Who a request acts for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Principal {
    pub(crate) sub: String,
    pub(crate) role: Role,
    /// Every claim beyond the registered ones, for policies.
    pub(crate) claims: Map<String, Value>,
    /// When the token ends, and with it a socket. `None` where authentication is disabled.
    pub(crate) expires_at: Option<Timestamp>,
    /// The key of an endpoint that it calls by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<EndpointKeyId>,
}

impl Principal {
    /// Who everyone is where authentication is disabled.
    pub(crate) fn local() -> Self {
        Self::new("local", Role::Admin, Map::new())
    }

    /// Somebody whose token does not end.
    pub(crate) fn new(sub: impl Into<String>, role: Role, claims: Map<String, Value>) -> Self {
        Self { sub: sub.into(), role, claims, expires_at: None, key: None }
    }

    /// By whom what runs at once is counted: a key takes no places of who published.
    pub(crate) fn counted_as(&self) -> &str {
        self.key.as_ref().map_or(&self.sub, EndpointKeyId::as_str)
    }

    /// Whether this principal may do what `role` may.
    pub(crate) fn may(&self, role: Role) -> bool {
        self.role >= role
    }

    /// Whether this principal may see what `owner` owns.
    pub(crate) fn owns_or_admin(&self, owner: &str) -> bool {
        self.sub == owner || self.role == Role::Admin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_ordered() {
        assert!(Role::Viewer < Role::Editor && Role::Editor < Role::Admin);
        assert!(Principal::local().may(Role::Admin));
        let viewer = Principal { role: Role::Viewer, sub: "ann".into(), ..Principal::local() };
        assert!(viewer.may(Role::Viewer) && !viewer.may(Role::Editor));
        assert!(viewer.owns_or_admin("ann") && !viewer.owns_or_admin("bob"));
    }
}
