//! What an engine may use, as its caller set it.
//!
//! In: JSON text that `air.Engine` makes of its arguments, whose defaults are the service's. Out:
//! the limits of the engine's crates.

use std::path::PathBuf;
use std::time::Duration;

use air_connectors::{AllowedHosts, DatabaseOptions};
use air_engine::{PlanOptions, Policy, RunLimits, RunOptions, TimeFilter};
use jiff::Timestamp;
use serde::Deserialize;

use crate::fault::{Fault, Stage};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// 0 takes one a processor.
    threads: usize,
    /// Bytes of all runs together.
    memory: usize,
    spill_dir: PathBuf,
    /// Bytes on disk.
    max_spill: u64,
    /// Seconds of one run.
    timeout: f64,
    default_row_limit: u64,
    max_row_limit: u64,
    time_filter: TimeFilter,
    time_filter_days: u32,
    /// Bytes of one result.
    pub(crate) max_result: u64,
    pushdown: bool,
    allowed_hosts: Option<Vec<String>>,
    /// To one source at once.
    pub(crate) connections: u32,
    /// Seconds.
    connect_timeout: f64,
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        let settings: Self =
            serde_json::from_str(text).map_err(|bad| Fault::setting("Engine", bad.to_string()))?;
        let positive = |name: &str, right: bool| match right {
            true => Ok(()),
            false => Err(Fault::setting(name, format!("{name} must be more than 0"))),
        };
        positive("memory", settings.memory > 0)?;
        positive("timeout", settings.timeout > 0.0)?;
        positive("connect_timeout", settings.connect_timeout > 0.0)?;
        positive("default_row_limit", settings.default_row_limit > 0)?;
        positive("connections", settings.connections > 0)?;
        if settings.default_row_limit > settings.max_row_limit {
            let what = "default_row_limit is more than max_row_limit";
            return Err(Fault::setting("default_row_limit", what));
        }
        settings.hosts()?;
        Ok(settings)
    }

    pub(crate) fn threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(2, usize::from),
            threads => threads,
        }
    }

    pub(crate) fn limits(&self) -> RunLimits {
        RunLimits {
            memory_bytes: self.memory,
            spill_dir: self.spill_dir.clone(),
            spill_bytes: self.max_spill,
            partitions: self.threads(),
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        seconds(self.timeout)
    }

    pub(crate) fn options(&self) -> RunOptions {
        RunOptions { pushdown: self.pushdown }
    }

    pub(crate) fn plan_options(&self, now: Timestamp) -> PlanOptions {
        PlanOptions { now, default_limit: self.default_row_limit, max_limit: self.max_row_limit }
    }

    pub(crate) fn policy(&self) -> Policy {
        Policy {
            max_row_limit: self.max_row_limit,
            time_filter: self.time_filter,
            enforce_time_filter_days: self.time_filter_days,
            ..Policy::default()
        }
    }

    pub(crate) fn database(&self, allow_superuser: bool) -> Result<DatabaseOptions, Fault> {
        Ok(DatabaseOptions {
            max_connections: usize::try_from(self.connections).unwrap_or(usize::MAX),
            connect_timeout: seconds(self.connect_timeout),
            statement_timeout: self.timeout(),
            allowed_hosts: self.hosts()?,
            allow_superuser,
        })
    }

    fn hosts(&self) -> Result<AllowedHosts, Fault> {
        AllowedHosts::new(self.allowed_hosts.as_deref())
            .map_err(|what| Fault::setting("allowed_hosts", what))
    }
}

/// What is too long for a duration is as good as without end.
fn seconds(seconds: f64) -> Duration {
    const LONGEST: Duration = Duration::from_secs(365 * 86_400);
    Duration::try_from_secs_f64(seconds).map_or(LONGEST, |time| time.min(LONGEST))
}

/// The time that `today` and the like refer to.
pub(crate) fn moment(now: Option<&str>) -> Result<Timestamp, Fault> {
    let Some(text) = now else { return Ok(Timestamp::now()) };
    text.parse().map_err(|_| {
        let message = format!("now is no instant: {text}");
        Fault {
            location: Some("now".to_owned()),
            advice: Some("Give a datetime with a zone, or RFC 3339 text.".to_owned()),
            ..Fault::new(Stage::Usage, "invalid", message)
        }
    })
}
