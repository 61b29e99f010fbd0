//! The arguments of what is done later: jobs and schedules.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::duration;

/// Whether a command waits for its answer, or has it done as a job.
#[derive(Debug, Clone, Args)]
pub(crate) struct Later {
    /// Have it done as a job, and say which; nothing is waited for.
    #[arg(long = "async", conflicts_with = "follow")]
    pub(crate) asynchronous: bool,
    /// Have it done as a job, and follow it to its end.
    #[arg(long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

impl Later {
    pub(crate) fn is_job(&self) -> bool {
        self.asynchronous || self.follow
    }
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Patience {
    /// Follow no longer than this, such as 10m; the job goes on, and can be followed again.
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub(crate) wait: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    /// Jobs, newest first.
    List {
        /// Only jobs of this status: queued, running, completed, failed or cancelled.
        #[arg(long)]
        status: Option<String>,
        /// Only jobs of this kind: learn, analyze, `bulk_reports`, query or report.
        #[arg(long)]
        kind: Option<String>,
        /// Only jobs that this schedule made.
        #[arg(long, value_name = "SCHEDULE_ID")]
        schedule: Option<String>,
    },
    /// How a job stands, and what it gave.
    Get {
        /// The job's id.
        id: String,
        /// Follow it to its end.
        #[arg(long)]
        follow: bool,
        #[command(flatten)]
        patience: Patience,
    },
    /// Ends a job, with what it runs.
    Cancel {
        /// The job's id.
        id: String,
        /// Follow it until it has ended.
        #[arg(long)]
        follow: bool,
        #[command(flatten)]
        patience: Patience,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Schedules {
    /// Schedules with their next times.
    List,
    /// One schedule.
    Show {
        /// The schedule's id.
        id: String,
    },
    /// Runs a report at times of a calendar.
    Add {
        /// The report's key.
        key: String,
        #[command(flatten)]
        what: ScheduleWhat,
    },
    /// Changes a schedule; what is not given stays.
    Set {
        /// The schedule's id.
        id: String,
        /// Another report's key.
        #[arg(long)]
        report: Option<String>,
        #[command(flatten)]
        what: ScheduleWhat,
        /// Runs it again.
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Runs it no more, until it is enabled.
        #[arg(long)]
        disable: bool,
    },
    /// Removes a schedule; its jobs stay.
    Delete {
        /// The schedule's id.
        id: String,
    },
}

/// What becomes of times that no process was there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Misfire {
    Skip,
    RunOnce,
    RunAll,
}

#[derive(Debug, Args)]
pub(crate) struct ScheduleWhat {
    /// Minute, hour, day of month, month, weekday: '30 6 * * MON-FRI', or @daily and the like.
    #[arg(long)]
    pub(crate) cron: Option<String>,
    /// The time zone of these, such as Europe/Berlin; UTC unless said.
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// The name for people.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A parameter, as for `run`; k:='{"during":"previous month","edge":"start"}' moves with time.
    #[arg(long, short, value_name = "K=V")]
    pub(crate) param: Vec<String>,
    /// The source of a portable report.
    #[arg(long, short)]
    pub(crate) source: Option<String>,
    /// The version; the newest at each run unless said.
    #[arg(long)]
    pub(crate) version: Option<u32>,
    /// What becomes of times that the service was away for.
    #[arg(long)]
    pub(crate) misfire: Option<Misfire>,
    /// The most that `run_all` runs of these, the latest.
    #[arg(long, value_name = "N")]
    pub(crate) max_catch_up: Option<u8>,
}
