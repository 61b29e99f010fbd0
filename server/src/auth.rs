//! Who is asking.
//!
//! In: the `Authorization` header's token, and the keys of the configuration; or the key of a published
//! endpoint (`endpoint_key`), which `admission/keyed.rs` holds against the control plane. Out: a
//! [`Principal`], or the reason it was refused. One algorithm is pinned; `exp`, `iss`, `aud`,
//! `sub` and `role` must be there. Absent on purpose: fetching keys from anywhere (a JWKS is a
//! file that is read once), and any use of a token's `kid`, `jku` or `x5u` but to compare the
//! `kid` with the keys at hand.

pub(crate) mod endpoint_key;
mod jwks;
mod principal;
mod token;

pub(crate) use self::principal::{Principal, Role, UnknownRole};
pub(crate) use self::token::{AuthError, Authenticator, bearer};
