//! Runs over several machines: the same plan over files, divided among workers.
//!
//! In: a plan over tables of files, and where the workers are. Out: its rows, read and worked on by
//! the workers, by `datafusion-distributed`: there is no scheduler, rows stream from worker to
//! worker, and a plan that is small or has no form on the wire stays in this process. The other
//! end, a worker, is here too. Deliberately absent: databases, whose rows never leave the process
//! that asked for them; planning; and when to begin once more, which is the engine's.
//!
//! A worker does what a plan says, below its `files.base_path`. Who may ask it is a matter of a
//! token, and of certificates on both sides; without these only loopback is spoken to.

mod ask;
mod caught;
mod codec;
mod executor;
mod lost;
mod scan;
mod way;
mod worker;

pub use ask::ask_workers;
pub use executor::Distributed;
pub use way::{BadPlace, Place, Tls, Ways};
pub use worker::{WorkerOptions, serve};

/// What both ends must be alike in: plans have no form that outlives a version, and rows are dealt
/// out by hashes that another processor may compute otherwise.
pub(crate) fn version() -> String {
    format!("{} for {}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH)
}
