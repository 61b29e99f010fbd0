//! How a lost worker is told of: through the errors of other workers too, of which only the words
//! come over the wire.

use air_engine::WorkerLost;
use datafusion::error::DataFusionError;
use std::fmt::Display;
use tonic::Status;
use url::Url;

const MARK: &str = "air-worker-lost";

/// The error of a worker that is not there any more.
pub(crate) fn lost(worker: &Url, why: impl Display) -> DataFusionError {
    let why: String = why.to_string().chars().filter(|c| *c != '|' && !c.is_control()).collect();
    let told = format!("|{MARK}|{}|{why}|", shown(worker));
    DataFusionError::Context(told, Box::new(DataFusionError::Execution("a worker was lost".into())))
}

/// The URL as it is told: without the slash that the parser puts behind.
pub(crate) fn shown(worker: &Url) -> String {
    worker.as_str().trim_end_matches('/').to_owned()
}

/// What a worker's answer says, where it is none of the worker's own: the connection broke, or it
/// was refused.
pub(crate) fn told(worker: &Url, error: DataFusionError) -> DataFusionError {
    let DataFusionError::External(cause) = &error else { return error };
    match cause.downcast_ref::<Status>() {
        Some(status) => lost(worker, format!("{:?}: {}", status.code(), status.message())),
        None => error,
    }
}

/// The worker that an error is about, wherever it was met first.
pub(crate) fn of(error: &DataFusionError) -> Option<WorkerLost> {
    let text = error.to_string();
    let (_, rest) = text.split_once(&format!("|{MARK}|"))?;
    let mut parts = rest.split('|');
    let (worker, why) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    Some(WorkerLost { worker, why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_lost_worker_is_named_through_other_errors() {
        let url = Url::parse("https://worker-2:9100").unwrap();
        let error = lost(&url, "broken | pipe\n");
        let error = DataFusionError::Shared(Arc::new(error)).context("reading");
        // As it comes back from another worker, which tells its words alone.
        let error = DataFusionError::External(error.to_string().into());
        let found = of(&error).unwrap();
        assert_eq!((&*found.worker, &*found.why), ("https://worker-2:9100", "broken  pipe"));
    }

    #[test]
    fn only_what_the_connection_says_is_a_loss() {
        let url = Url::parse("http://127.0.0.1:9100").unwrap();
        let gone = DataFusionError::External(Box::new(Status::unavailable("tcp connect error")));
        assert!(of(&told(&url, gone)).unwrap().why.contains("tcp connect error"));
        let full = DataFusionError::ResourcesExhausted("no memory".to_owned());
        let kept = told(&url, full);
        assert!(of(&kept).is_none());
        assert!(matches!(kept, DataFusionError::ResourcesExhausted(_)));
    }
}
