//! The way to a server: sockets that are read in large pieces.
//!
//! In: one address. Out: connections of the pool, and cancel requests. The client library reads
//! 8 KB at a time and wakes the reader of rows after each; through a buffer its next piece is
//! there already, so that a large result costs a thirtieth of the system calls and task switches.

use deadpool_postgres::Connect;
use futures::future::BoxFuture;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{CancelToken, Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Bytes of one read: what a socket mostly holds when a server sends without pause.
const BUFFER: usize = 256 << 10;

const KEEPALIVE: Duration = Duration::from_secs(60);

/// How a server is reached.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) address: SocketAddr,
    /// As the DSN names it, for the server's certificate.
    pub(super) host: String,
    pub(super) tls: MakeRustlsConnect,
    pub(super) connect_timeout: Duration,
}

impl Wire {
    async fn socket(&self) -> Socket {
        let open = async {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
            SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
            Ok(stream)
        };
        match tokio::time::timeout(self.connect_timeout, open).await {
            Ok(Ok(stream)) => Socket::Open(BufReader::with_capacity(BUFFER, stream)),
            Ok(Err(error)) => Socket::Failed(error),
            Err(_) => Socket::Failed(io::ErrorKind::TimedOut.into()),
        }
    }

    fn encryption(&self) -> <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect {
        let made = MakeTlsConnect::<Socket>::make_tls_connect(&mut self.tls.clone(), &self.host);
        // The name is judged when it is used, not here.
        match made {
            Ok(connect) => connect,
            Err(never) => match never {},
        }
    }

    /// Asks the server to end what another connection runs.
    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<(), Error> {
        token.cancel_query_raw(self.socket().await, self.encryption()).await
    }
}

impl Connect for Wire {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        let config = config.clone();
        Box::pin(async move {
            let socket = self.socket().await;
            let (client, connection) = config.connect_raw(socket, self.encryption()).await?;
            let task = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection ended");
                }
            });
            Ok((client, task))
        })
    }
}

/// A connection, or why there is none: the client library makes its error of what its first
/// write is told, and has no other way to be given one.
pub(super) enum Socket {
    Open(BufReader<TcpStream>),
    Failed(io::Error),
}

impl Socket {
    fn open(self: Pin<&mut Self>) -> io::Result<Pin<&mut BufReader<TcpStream>>> {
        match self.get_mut() {
            Self::Open(stream) => Ok(Pin::new(stream)),
            Self::Failed(error) => {
                Err(std::mem::replace(error, io::ErrorKind::NotConnected.into()))
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.open()?.poll_read(context, into)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.open()?.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.open()?.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.open()?.poll_shutdown(context)
    }
}
