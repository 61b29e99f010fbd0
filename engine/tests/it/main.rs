//! The engine's tests: cases are data, and each module checks one kind of them.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod arrows;
mod as_postgres;
mod ask;
mod cache;
mod chains;
mod embedded;
mod facts;
mod federated;
mod guard_sql;
mod joins;
mod lists;
mod parts;
mod plans;
mod properties;
mod qa;
mod seen;
mod series;
mod shop;
mod split;
mod subqueries;
mod written;
mod zoned;
