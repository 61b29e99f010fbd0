//! `aircli`: AIR's command line, over REST only.
//!
//! In: arguments, a profile, standard input. Out: data on standard output; messages and progress
//! on standard error; an exit code that says how it ended (see [`exit`]). No business logic: what
//! is decided is decided by the server.

mod cli;
mod commands;
mod exit;
mod output;
mod params;
mod settings;
mod table;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no failures; both go where clap sends them.
            let usage = error.use_stderr();
            let printed = error.print();
            return if usage || printed.is_err() { exit::USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(async {
            tokio::select! {
                ended = commands::run(cli) => ended,
                _ = tokio::signal::ctrl_c() => Err(exit::Failure::interrupted()),
            }
        }),
        Err(error) => Err(exit::Failure::failed(format!("the runtime cannot be started: {error}"))),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell();
            failure.code()
        }
    }
}
