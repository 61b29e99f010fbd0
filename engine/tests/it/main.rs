//! The engine's tests: cases are data, and each module checks one kind of them.

mod plans;
mod properties;
mod qa;
