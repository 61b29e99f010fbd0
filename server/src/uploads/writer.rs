//! Writing a file on a thread of its own, with its hash.
//!
//! In: pieces, of which a few may wait. Out: the SHA-256 of all that is on the disk, synced.
//! Where the sender goes before it says that this was all, nothing is synced.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

/// Pieces on their way to the disk.
const WAITING: usize = 4;

enum Order {
    Write(Bytes),
    End,
}

#[derive(Debug)]
pub(super) struct Writer {
    orders: Sender<Order>,
    done: JoinHandle<io::Result<String>>,
}

impl Writer {
    /// Begins a file that must not be there yet.
    pub(super) fn start(path: PathBuf) -> Self {
        let (orders, received) = channel(WAITING);
        let done = tokio::task::spawn_blocking(move || write(path, received));
        Self { orders, done }
    }

    /// Hands over a piece; waits where the disk is slower than what comes.
    pub(super) async fn write(&mut self, piece: Bytes) -> io::Result<()> {
        match self.orders.send(Order::Write(piece)).await {
            Ok(()) => Ok(()),
            // The thread has ended, and only a fault ends it.
            Err(_) => match (&mut self.done).await.map_err(io::Error::other)? {
                Ok(_) => Err(io::ErrorKind::BrokenPipe.into()),
                Err(error) => Err(error),
            },
        }
    }

    /// This was all: its SHA-256 in hexadecimal, once it is on the disk.
    pub(super) async fn finish(self) -> io::Result<String> {
        // Where the thread has ended already, its fault is told below.
        let _ = self.orders.send(Order::End).await;
        self.done.await.map_err(io::Error::other)?
    }

    /// Ends once nothing is written any more.
    pub(super) async fn abandon(self) {
        drop(self.orders);
        // A fault of what is thrown away is none.
        let _ = self.done.await;
    }
}

fn write(path: PathBuf, mut orders: Receiver<Order>) -> io::Result<String> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut hash = Sha256::new();
    loop {
        match orders.blocking_recv() {
            Some(Order::Write(piece)) => {
                hash.update(&piece);
                file.write_all(&piece)?;
            }
            Some(Order::End) => {
                file.sync_all()?;
                return Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect());
            }
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
