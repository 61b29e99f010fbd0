//! PostgreSQL 14 and later: the defaults of [`Rules`].

use super::rules::Rules;

pub(super) struct Postgres;

impl Rules for Postgres {}
