//! Faults as exceptions of `air.errors`, where their classes are written.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;

use crate::fault::{Fault, Stage};

impl Stage {
    fn class(self) -> &'static str {
        match self {
            Self::Usage => "UsageError",
            Self::Clarify => "ClarificationNeeded",
            Self::CannotAnswer => "CannotAnswer",
            Self::Ir => "IrError",
            Self::Plan => "PlanError",
            Self::Guard => "GuardError",
            Self::Source => "SourceError",
            Self::Run => "RunError",
            Self::Internal => "AirError",
        }
    }
}

/// The exception of a fault.
pub(crate) fn raised(py: Python<'_>, fault: Fault) -> PyErr {
    // An error on the way, such as a broken installation, is what is raised then.
    exception(py, fault).unwrap_or_else(|error| error)
}

fn exception(py: Python<'_>, fault: Fault) -> PyResult<PyErr> {
    let class = py.import("air.errors")?.getattr(fault.stage.class())?;
    let named = PyDict::new(py);
    named.set_item("code", fault.code)?;
    named.set_item("location", fault.location)?;
    named.set_item("advice", fault.advice)?;
    if !fault.details.is_empty() {
        let loads = py.import("json")?.getattr("loads")?;
        for (name, value) in fault.details {
            named.set_item(name, loads.call1((Value::to_string(&value),))?)?;
        }
    }
    Ok(PyErr::from_value(class.call((fault.message,), Some(&named))?))
}
