//! The Python package `air`: the engine in the caller's own process.
//!
//! In: calls of `python/air/engine.py`, with IRs, catalogs and settings as JSON text. Out: rows by
//! Arrow's C stream interface, JSON text, and exceptions of `air.errors`. Absent on purpose: HTTP,
//! models, policies and the control plane, which are the service's; and what a Python caller sees,
//! which is written in Python.

mod asking;
mod engine;
mod fault;
mod inner;
mod learning;
mod planning;
mod raising;
mod rows;
mod running;
mod settings;
mod stores;
mod waiting;

use pyo3::prelude::*;

#[pymodule]
mod _air {
    #[pymodule_export]
    use crate::engine::Engine;
    #[pymodule_export]
    use crate::rows::Rows;
}
