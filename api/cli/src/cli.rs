//! The arguments.

mod jobs;
mod sessions;

pub(crate) use self::jobs::{Jobs, Later, Misfire, Patience, ScheduleWhat, Schedules};
pub(crate) use self::sessions::{Endpoints, Publish, Say, Sessions};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::time::Duration;

/// Ask business questions, run saved reports, and talk to AIR's REST service.
#[derive(Debug, Parser)]
#[command(name = "aircli", version, about, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Data goes to standard output, messages to standard error.
Exit codes: 0 done, 1 failed, 2 usage, 3 QA failed (with --fail-on-qa), \
4 not allowed, 5 server failed or unreachable, 6 timed out, 7 needs clarification, 130 interrupted.";

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Address of the service; else the profile's, else http://127.0.0.1:9000.
    #[arg(long, env = "AIR_URL", global = true)]
    pub(crate) url: Option<String>,
    /// Bearer token.
    #[arg(long, env = "AIR_TOKEN", global = true, hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Certificates in PEM to believe beside the usual ones, for an https address.
    #[arg(long, env = "AIR_CA", global = true, value_name = "FILE")]
    pub(crate) ca: Option<std::path::PathBuf>,
    /// `disabled` sends no token, for a service started with --auth disabled.
    #[arg(long, global = true)]
    pub(crate) auth: Option<Auth>,
    /// Profile of the configuration file ($XDG_CONFIG_HOME/air/config.yaml).
    #[arg(long, env = "AIR_PROFILE", global = true)]
    pub(crate) profile: Option<String>,
    /// Form of the data; a table on a terminal and JSON in a pipe unless said.
    #[arg(long, short, global = true)]
    pub(crate) output: Option<Format>,
    /// How long one request may take, such as 90s or 5m.
    #[arg(long, global = true, value_parser = duration, default_value = "60s")]
    pub(crate) timeout: Duration,
    /// No messages beside the data, errors and questions.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Makes a POST safe to repeat: the same key and body are done once in 24 hours.
    #[arg(long, global = true, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    Disabled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
    Csv,
    Ndjson,
    Arrow,
    Parquet,
    /// A page with charts, to open in a browser.
    Html,
}

impl Format {
    /// The format of rows to ask the server for; none where its JSON is wanted.
    pub(crate) fn of_rows(self) -> Option<&'static str> {
        match self {
            Self::Table | Self::Json => None,
            Self::Csv => Some("csv"),
            Self::Ndjson => Some("ndjson"),
            Self::Arrow => Some("arrow"),
            Self::Parquet => Some("parquet"),
            Self::Html => Some("html"),
        }
    }

    /// The media type of that format.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Table | Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Html => "text/html",
        }
    }

    /// Whether it would only garble a terminal.
    pub(crate) fn is_binary(self) -> bool {
        matches!(self, Self::Arrow | Self::Parquet)
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 =
        digits.parse().map_err(|_| format!("{text} is no duration; write 90s, 5m or 2h"))?;
    let seconds = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        unit => return Err(format!("{unit} is no unit of time; write s, m or h")),
    };
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// GET a path.
    Get(Call),
    /// POST to a path.
    Post(Call),
    /// PATCH a path.
    Patch(Call),
    /// DELETE a path.
    Delete(Call),
    /// Ask a question in plain words.
    Ask(Ask),
    /// Run a saved report.
    Run(Run),
    /// Run an IR or SQL without saving it.
    Query(Query),
    /// Show the SQL of an IR, or of SQL once it was guarded; nothing is run.
    Sql(Sql),
    /// Saved reports.
    #[command(subcommand)]
    Reports(Reports),
    /// Sources of data.
    #[command(subcommand)]
    Sources(Sources),
    /// Learn a source, or learn it again.
    Learn {
        /// The source's id.
        source: String,
        /// Also read least and greatest value, nulls and distinct values of each column.
        #[arg(long)]
        stats: bool,
        #[command(flatten)]
        later: Later,
    },
    /// Work that is done apart from its request.
    #[command(subcommand)]
    Jobs(Jobs),
    /// Reports that are run at times of a calendar.
    #[command(subcommand)]
    Schedules(Schedules),
    /// Learning sessions: a conversation about uploaded files.
    #[command(subcommand)]
    Sessions(Sessions),
    /// Published endpoints: answers that are called with parameters.
    #[command(subcommand)]
    Endpoints(Endpoints),
    /// Talk in a room of the service; without --room, in a new session of one's own.
    Chat(Chat),
    /// The schema notes of a source.
    Schema {
        /// The source's id.
        source: String,
    },
    /// A report's definition as a file, on standard output.
    Export {
        /// The report's key.
        key: String,
        /// Form of the file.
        #[arg(long, default_value = "yaml")]
        format: Definition,
        /// The version; the newest unless said.
        #[arg(long)]
        version: Option<u32>,
    },
    /// A new report from a definition file, JSON or YAML.
    Import {
        /// A file, or - for standard input.
        file: String,
        /// Another key than the file's.
        #[arg(long)]
        key: Option<String>,
        /// The source to bind to, in place of the file's.
        #[arg(long, short)]
        source: Option<String>,
    },
    /// Upload files of data; --timeout is how long nothing may move.
    Upload(Upload),
    /// A channel's events as they happen, a line of JSON each, until it is interrupted.
    Ws(Ws),
    /// Completions for a shell, on standard output.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// Such as /v1/reports.
    pub(crate) path: String,
    /// The body: JSON, @FILE, or - for standard input; none unless said.
    #[arg(long)]
    pub(crate) json: Option<String>,
    /// A query parameter; may be repeated.
    #[arg(long, value_name = "K=V")]
    pub(crate) query: Vec<String>,
    /// A header; may be repeated.
    #[arg(long, value_name = "K=V")]
    pub(crate) header: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Upload {
    /// CSV, TSV and JSON lines, also as .gz or .zst, and Parquet.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<std::path::PathBuf>,
    /// Another name than the file's own, with its ending.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Do not wait until the service has read the files.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ws {
    /// Such as run/RUN_ID, process/JOB_ID, chat/ROOM or presence:online.
    #[arg(long, short)]
    pub(crate) channel: String,
    /// The number of the last event that is known; what came behind it is given first.
    #[arg(long, value_name = "SEQ")]
    pub(crate) after: Option<u64>,
    /// End after so many events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The question.
    pub(crate) question: String,
    /// The source to ask; the default one unless said.
    #[arg(long, short)]
    pub(crate) source: Option<String>,
    /// The answer to a clarifying question; `you_decide` takes the recommended one.
    #[arg(long, value_name = "ID=VALUE")]
    pub(crate) answer: Vec<String>,
    /// What this question follows up: a scope version's id, or an IR as JSON or @FILE.
    #[arg(long, value_name = "SCOPE_VERSION_ID|IR")]
    pub(crate) previous: Option<String>,
    /// Show the reading only; run nothing.
    #[arg(long)]
    pub(crate) no_run: bool,
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Debug, Args)]
pub(crate) struct Chat {
    /// The room, which is joined where that was not done; --timeout is how long an answer may take.
    #[arg(long)]
    pub(crate) room: Option<String>,
    /// The source that a new session asks; the default one unless said.
    #[arg(long, short)]
    pub(crate) source: Option<String>,
}

/// How rows are got and judged.
#[derive(Debug, Args)]
pub(crate) struct How {
    /// The instant that "today" is counted from, in RFC 3339; the present unless said.
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<String>,
    /// End with exit code 3 if the verdict on the rows is `fail`.
    #[arg(long)]
    pub(crate) fail_on_qa: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The report's key.
    pub(crate) key: String,
    /// A parameter: k=v is text, k:=JSON is JSON, a repeated k is a list, @FILE is an object.
    #[arg(long, short, value_name = "K=V")]
    pub(crate) param: Vec<String>,
    /// The source of a portable report.
    #[arg(long, short)]
    pub(crate) source: Option<String>,
    /// The version; the newest unless said.
    #[arg(long)]
    pub(crate) version: Option<u32>,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) later: Later,
}

/// What is planned.
#[derive(Debug, Args)]
pub(crate) struct Planned {
    /// The IR: JSON, @FILE, or - for standard input.
    #[arg(required_unless_present = "sql")]
    pub(crate) ir: Option<String>,
    /// SQL in the Postgres dialect instead of an IR: text, @FILE, or - for standard input.
    #[arg(long, conflicts_with = "ir")]
    pub(crate) sql: Option<String>,
    /// The source; the default one unless said.
    #[arg(long, short)]
    pub(crate) source: Option<String>,
    /// A parameter: k=v is text, k:=JSON is JSON, a repeated k is a list, @FILE is an object.
    #[arg(long, short, value_name = "K=V")]
    pub(crate) param: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Query {
    #[command(flatten)]
    pub(crate) planned: Planned,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) later: Later,
}

#[derive(Debug, Args)]
pub(crate) struct Sql {
    #[command(flatten)]
    pub(crate) planned: Planned,
    /// Dialects to show: postgres, timescaledb, mysql, datafusion; the source's own unless said.
    #[arg(long, value_delimiter = ',')]
    pub(crate) dialect: Vec<String>,
    /// The instant that "today" is counted from, in RFC 3339; the present unless said.
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Reports {
    /// All reports.
    List,
    /// A report with its newest version.
    Show {
        /// The report's key.
        key: String,
    },
    /// A new report without versions.
    Create {
        /// The key it is run by.
        key: String,
        /// The name for people; the key unless said.
        #[arg(long)]
        title: Option<String>,
    },
    /// Saves a definition as the next version.
    Version {
        /// The report's key.
        key: String,
        /// The definition: JSON, @FILE, or - for standard input.
        def: String,
        /// Binds the version to a source; without, it is portable.
        #[arg(long, short)]
        source: Option<String>,
        /// The scope version it came from.
        #[arg(long, value_name = "SCOPE_VERSION_ID")]
        scope: Option<String>,
        /// Save only over the version with this ETag, or * for any; the newest one unless said.
        #[arg(long, value_name = "ETAG")]
        if_match: Option<String>,
    },
    /// The versions of a report.
    Versions {
        /// The report's key.
        key: String,
    },
    /// The runs of a report.
    Runs {
        /// The report's key.
        key: String,
    },
    /// Archives a report.
    Delete {
        /// The report's key.
        key: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sources {
    /// All sources.
    List,
    /// One source.
    Show {
        /// The source's id.
        id: String,
    },
    /// Registers a source.
    Add {
        /// The source: JSON, @FILE, or - for standard input.
        json: String,
    },
    /// Reaches a source now.
    Health {
        /// The source's id.
        id: String,
    },
    /// Removes a source that nothing uses.
    Delete {
        /// The source's id.
        id: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Definition {
    Json,
    Yaml,
}
