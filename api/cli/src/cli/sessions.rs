//! The arguments of learning sessions and of what they publish.

use clap::{Args, Subcommand};

use super::How;

#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// One's own sessions, newest first.
    List,
    /// Opens a session on uploaded files and learns them.
    New {
        /// The files' ids, as `aircli upload` gives them.
        #[arg(required = true)]
        files: Vec<String>,
        /// The name; those of the files unless said.
        #[arg(long)]
        name: Option<String>,
    },
    /// A session: files, joins, suggested questions, transcript, scopes, runs, endpoints.
    Show {
        /// The session's id.
        id: String,
    },
    /// Says something in a session and shows what it ends in.
    Say(Say),
    /// Publishes an answer of a session as an endpoint.
    Publish(Publish),
    /// Removes a session; uploaded files and runs stay.
    Delete {
        /// The session's id.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Say {
    /// The session's id.
    pub(crate) id: String,
    /// A question, a change to the last answer, or an answer to a question back.
    pub(crate) text: String,
    /// The answer to a clarifying question, by its id.
    #[arg(long, value_name = "ID=VALUE")]
    pub(crate) answer: Vec<String>,
    /// Show the reading only; run nothing.
    #[arg(long)]
    pub(crate) no_run: bool,
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// The session's id.
    pub(crate) id: String,
    /// The name in the endpoint's URL.
    pub(crate) slug: String,
    /// A parameter: `NAME:TYPE`, `NAME:TYPE=DEFAULT`, `NAME:TYPE!` where it is required, or all of
    /// it as a JSON object or @FILE. Types: text integer number boolean date timestamp period.
    #[arg(long, short, value_name = "PARAM")]
    pub(crate) param: Vec<String>,
    /// The answer, by its message; the last one unless said.
    #[arg(long, value_name = "MESSAGE_ID", conflicts_with = "run")]
    pub(crate) message: Option<String>,
    /// The answer, by its run.
    #[arg(long, value_name = "RUN_ID")]
    pub(crate) run: Option<String>,
    /// The title; the question unless said.
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// What it is, for who calls it.
    #[arg(long)]
    pub(crate) description: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Endpoints {
    /// All endpoints.
    List,
    /// Calls an endpoint and shows its rows.
    Call {
        /// The endpoint.
        slug: String,
        /// A parameter; one that takes several values may be repeated.
        #[arg(long, short, value_name = "K=V")]
        param: Vec<String>,
        /// The version; the newest unless said.
        #[arg(long)]
        version: Option<u32>,
        #[command(flatten)]
        how: How,
    },
    /// All endpoints as an OpenAPI document, on standard output.
    Openapi,
    /// The keys that call an endpoint.
    Keys {
        /// The endpoint.
        slug: String,
    },
    /// Makes a key that calls an endpoint, and nothing else; it is shown this once.
    NewKey {
        /// The endpoint.
        slug: String,
        /// What the key is for.
        #[arg(long)]
        name: String,
    },
    /// Takes a key out of use, at once.
    RevokeKey {
        /// The endpoint.
        slug: String,
        /// The key's id.
        id: String,
    },
    /// Takes an endpoint out of use.
    Delete {
        /// The endpoint.
        slug: String,
    },
}
