//! The Python package `air`: the engine in the caller's own process.

use pyo3::prelude::*;

#[pymodule]
mod _air {}
