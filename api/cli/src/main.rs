//! `aircli`: AIR's command line, over REST and the socket only.
//!
//! In: arguments, a profile, standard input. Out: data on standard output; messages and progress
//! on standard error; an exit code that says how it ended (see [`exit`]). No business logic: what
//! is decided is decided by the server.

mod cli;
mod commands;
mod exit;
mod output;
mod params;
mod plain;
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
            return match error.print() {
                Ok(()) if usage => exit::USAGE.into(),
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => exit::Failure::from(error).code(),
            };
        }
    };
    // Of several threads, so that an interrupt is heard while standard input is waited for.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(until_interrupted(cli));
            runtime.shutdown_background();
            ended
        }
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

async fn until_interrupted(cli: cli::Cli) -> Result<(), exit::Failure> {
    tokio::select! {
        ended = tokio::spawn(commands::run(cli)) => match ended {
            Ok(ended) => ended,
            Err(error) => Err(exit::Failure::failed(error.to_string())),
        },
        _ = tokio::signal::ctrl_c() => Err(exit::Failure::interrupted()),
    }
}
