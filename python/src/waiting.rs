//! Waiting for work on the engine's threads, with the interpreter's lock released.
//!
//! In: work of an engine. Out: what came of it. Other Python threads run meanwhile, and Ctrl-C is
//! heard: the work is dropped then, which stops it here and in the databases, and the engine goes
//! on in use.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use pyo3::prelude::*;

use crate::fault::Fault;
use crate::inner::Inner;
use crate::raising::raised;

/// How long Ctrl-C may wait. What comes of the work is heard at once.
const SIGNALS: Duration = Duration::from_millis(50);

pub(crate) fn wait<T, F>(py: Python<'_>, inner: &Inner, work: F) -> PyResult<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Fault>> + Send + 'static,
{
    let (tell, hear) = sync_channel(1);
    let work = async move {
        // Nobody listens where the caller was interrupted.
        let _ = tell.send(work.await);
    };
    let _stops_when_dropped = inner.spawn(work).map_err(|fault| raised(py, fault))?;
    let mut hear = hear;
    loop {
        let heard;
        (heard, hear) = py.detach(move || (hear.recv_timeout(SIGNALS), hear));
        match heard {
            Ok(done) => return done.map_err(|fault| raised(py, fault)),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(raised(py, Fault::internal("the work ended without an answer")));
            }
        }
    }
}
