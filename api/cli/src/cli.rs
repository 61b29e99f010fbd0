//! The arguments.

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

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage, 3 QA failed (with --fail-on-qa), \
4 not allowed, 5 server failed or unreachable, 6 timed out, 7 needs clarification, 130 interrupted.";

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Address of the service; else the profile's, else http://127.0.0.1:9000.
    #[arg(long, env = "AIR_URL", global = true)]
    pub(crate) url: Option<String>,
    /// Bearer token.
    #[arg(long, env = "AIR_TOKEN", global = true, hide_env_values = true)]
    pub(crate) token: Option<String>,
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
    /// No messages beside the data and errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
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
    /// Run an IR without saving it.
    Query(Ir),
    /// Show the SQL of an IR.
    Sql(Sql),
    /// Saved reports.
    #[command(subcommand)]
    Reports(Reports),
    /// Sources of data.
    #[command(subcommand)]
    Sources(Sources),
    /// Learn a source again.
    Learn { source: String },
    /// The schema notes of a source.
    Schema { source: String },
    /// A report's definition as a file.
    Export {
        key: String,
        #[arg(long, default_value = "yaml")]
        format: Definition,
    },
    /// A report from a definition file.
    Import {
        /// A file, or - for standard input.
        file: String,
        /// Another key than the file's.
        #[arg(long)]
        key: Option<String>,
    },
    /// Completions for a shell.
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// Such as /v1/reports.
    pub(crate) path: String,
    /// The body: JSON, @FILE, or - for standard input.
    #[arg(long)]
    pub(crate) json: Option<String>,
    /// A query parameter.
    #[arg(long, value_name = "K=V")]
    pub(crate) query: Vec<String>,
    /// A header.
    #[arg(long, value_name = "K=V")]
    pub(crate) header: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Ask {
    pub(crate) question: String,
    #[arg(long, short)]
    pub(crate) source: Option<String>,
    /// The answer to a clarifying question.
    #[arg(long, value_name = "ID=VALUE")]
    pub(crate) answer: Vec<String>,
    /// The scope version that this question follows up.
    #[arg(long, value_name = "SCOPE_VERSION_ID")]
    pub(crate) previous: Option<String>,
    /// Show the reading only; run nothing.
    #[arg(long)]
    pub(crate) no_run: bool,
    /// The time that "today" is counted from.
    #[arg(long)]
    pub(crate) now: Option<String>,
    #[arg(long)]
    pub(crate) fail_on_qa: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    pub(crate) key: String,
    /// A parameter: k=v is text, k:=JSON is JSON, a repeated k is a list, @FILE is an object.
    #[arg(long, short, value_name = "K=V")]
    pub(crate) param: Vec<String>,
    /// The source of a portable report.
    #[arg(long, short)]
    pub(crate) source: Option<String>,
    #[arg(long)]
    pub(crate) now: Option<String>,
    #[arg(long)]
    pub(crate) fail_on_qa: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ir {
    /// The IR: JSON, @FILE, or - for standard input.
    pub(crate) ir: String,
    #[arg(long, short)]
    pub(crate) source: Option<String>,
    #[arg(long, short, value_name = "K=V")]
    pub(crate) param: Vec<String>,
    #[arg(long)]
    pub(crate) now: Option<String>,
    #[arg(long)]
    pub(crate) fail_on_qa: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Sql {
    #[command(flatten)]
    pub(crate) ir: Ir,
    /// Dialects to show: postgres, timescaledb, mysql, datafusion; the source's own unless said.
    #[arg(long, value_delimiter = ',')]
    pub(crate) dialect: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Reports {
    List,
    Show {
        key: String,
    },
    /// A new report without versions.
    Create {
        key: String,
        #[arg(long)]
        title: Option<String>,
    },
    /// A new version from a definition: JSON, @FILE, or -.
    Version {
        key: String,
        def: String,
        /// Binds the version to a source; without, it is portable.
        #[arg(long)]
        source: Option<String>,
    },
    Versions {
        key: String,
    },
    Runs {
        key: String,
    },
    Delete {
        key: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sources {
    List,
    Show {
        id: String,
    },
    /// Registers a source: JSON, @FILE, or -.
    Add {
        json: String,
    },
    Health {
        id: String,
    },
    Delete {
        id: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Definition {
    Json,
    Yaml,
}
