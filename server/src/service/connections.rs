//! Connections: how many, how long a request's head may take, and how they end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;

use crate::admission::{Peer, Place};
use crate::config::LimitsConfig;

/// After a fault of accepting, such as no more file handles.
const PAUSE: Duration = Duration::from_millis(50);

/// Connections that were open when accepting ended.
pub(super) struct Open {
    ending: CancellationToken,
    tasks: JoinSet<()>,
}

impl Open {
    /// Ends when each has answered what it was asked.
    pub(super) async fn finished(mut self) {
        self.ending.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Accepts connections until `shutdown` ends.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &LimitsConfig,
    shutdown: impl Future<Output = ()> + Send,
) -> Open {
    let ending = CancellationToken::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_read);
    let mut tasks = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        while tasks.try_join_next().is_some() {}
        // With no place free a connection waits in the system's queue.
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept => accepted,
        };
        let (Ok(place), Ok((stream, peer))) = (place, accepted) else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // Small messages go out at once: a socket's are news.
        let _ = stream.set_nodelay(true);
        let place = Place::new(place);
        let held = place.clone();
        let known = move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer.ip()));
            request.extensions_mut().insert(held.clone());
            request
        };
        let service = ServiceBuilder::new().map_request(known).service(router.clone());
        let service = TowerToHyperService::new(service);
        let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let ending = ending.clone();
        tasks.spawn(async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = ending.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            // A client that went away, or spoke no HTTP, is no fault of the service.
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    Open { ending, tasks }
}
