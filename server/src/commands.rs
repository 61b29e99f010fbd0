//! The operator's command line: `air serve | worker | check | token | backup | restore | migrate |
//! eval`.
//!
//! Exit codes: 0, 1 where something failed, 2 where the line is wrong. Data goes to stdout,
//! messages to stderr.

mod backup;
mod check;
mod eval;
mod mcp;
mod serve;
mod token;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::auth::Role;
use crate::config::{Config, Environment, LoadOptions};

#[derive(Debug, Parser)]
#[command(name = "air", version, about = "Business questions to verified reports")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the REST interface.
    Serve(serve::Serve),
    /// Work on parts of the runs of servers whose `execution.engine` is `distributed`.
    Worker(worker::Worker),
    /// Check the configuration and each part: ok, off, or wrong and what to do.
    Check(check::Check),
    /// Print a token.
    Token(token::Token),
    /// Write a whole copy of the control plane and of the kept rows to a folder.
    Backup(backup::Backup),
    /// Put a copy back into a data folder that holds nothing yet.
    Restore(backup::Restore),
    /// Bring the control plane up to date.
    Migrate(Place),
    /// Offer the service to an agent by the Model Context Protocol, over stdin and stdout.
    Mcp(mcp::Mcp),
    /// Ask golden questions and say how many answers are right.
    Eval(eval::Eval),
    /// Print completions for a shell.
    Completions { shell: clap_complete::Shell },
}

/// Where the data and the configuration lie.
#[derive(Debug, Clone, Args)]
struct Place {
    /// The data folder.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// The configuration, inside the data folder unless absolute.
    #[arg(long, value_name = "FILE", default_value = "config.yaml")]
    config: PathBuf,
    /// Whether tokens are wanted; wins over the configuration. Disabled listens on loopback only.
    #[arg(long, value_name = "MODE")]
    auth: Option<AuthMode>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AuthMode {
    Enabled,
    Disabled,
}

impl Place {
    fn load(&self) -> anyhow::Result<Config> {
        let options = LoadOptions {
            data_dir: self.data.clone(),
            file: self.config.clone(),
            auth: self.auth.map(|mode| mode == AuthMode::Enabled),
            environment: Environment::from_process(),
        };
        Ok(Config::load(options)?)
    }
}

fn role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|error: crate::auth::UnknownRole| error.to_string())
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    // Where it cannot be had, the program takes more memory and does the same.
    let _ = air_heap::one_a_core();
    let cli = Cli::parse();
    // Libraries that speak TLS by themselves take the process-wide provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("air: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(serve) => serve.run(),
        Command::Worker(worker) => worker.run(),
        Command::Check(check) => waited(check.run()),
        Command::Token(token) => token.run(),
        Command::Backup(backup) => waited(backup.run()),
        Command::Restore(restore) => waited(restore.run()),
        Command::Migrate(place) => waited(backup::migrate(place)),
        Command::Mcp(mcp) => mcp.run(),
        Command::Eval(eval) => eval.run(),
        Command::Completions { shell } => {
            let mut command = <Cli as clap::CommandFactory>::command();
            clap_complete::generate(shell, &mut command, "air", &mut std::io::stdout());
            Ok(())
        }
    }
}

fn waited(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(work)
}

/// Data, for whoever reads stdout. A reader that went away is no fault.
fn say(line: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// A message, beside the data.
fn complain(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}
