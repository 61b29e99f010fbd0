//! Figures that the service counts itself: requests by operation and status, and how long they
//! took.
//!
//! In: each request as it ends. Out: histograms. Names and statuses are those of the contract, so
//! there are only so many. Absent on purpose: anything of a user, and the page (`routes/metrics`).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds in seconds; beyond the last there is only "more".
pub(crate) const BOUNDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Durations of one kind of request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Histogram {
    /// Not cumulative; the last is beyond every bound.
    counts: [u64; BOUNDS.len() + 1],
    pub(crate) sum_seconds: f64,
}

impl Histogram {
    fn add(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let place = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.counts[place] += 1;
        self.sum_seconds += seconds;
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many took at most each bound.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        BOUNDS.iter().zip(&self.counts).scan(0, |all, (bound, count)| {
            *all += count;
            Some((*bound, *all))
        })
    }
}

/// Shared by the process.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<(&'static str, u16), Histogram>>,
}

impl Metrics {
    /// A request of an operation ended with a status.
    pub(crate) fn request(&self, operation: &'static str, status: u16, duration: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.entry((operation, status)).or_default().add(duration);
    }

    /// By operation, then by status.
    pub(crate) fn requests(&self) -> Vec<((&'static str, u16), Histogram)> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().map(|(key, histogram)| (*key, histogram.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_their_buckets() {
        let metrics = Metrics::default();
        for millis in [0, 1, 2, 40, 99_000] {
            metrics.request("ask", 200, Duration::from_millis(millis));
        }
        metrics.request("ask", 422, Duration::from_millis(1));
        let requests = metrics.requests();
        assert_eq!(requests.len(), 2);
        let ((operation, status), ok) = &requests[0];
        assert_eq!((*operation, *status, ok.count()), ("ask", 200, 5));
        let buckets: Vec<(f64, u64)> = ok.cumulative().collect();
        assert_eq!((buckets[0], buckets[1]), ((0.001, 2), (0.0025, 3)));
        assert_eq!(buckets[BOUNDS.len() - 1], (30.0, 4), "the longest is beyond every bound");
        assert!((ok.sum_seconds - 99.043).abs() < 1e-9);
    }
}
