//! Connections to Redis: a pool, and whether Redis is there.
//!
//! A command that meets no connection marks Redis away; from then on nothing waits for it, and
//! one task tries until it is back.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use super::address;
use super::live::Wire;
use crate::config::RedisConfig;

/// How often Redis is asked whether it is there.
const BEAT: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Redis cannot be used. Holds nothing of the URL, which may carry a password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedisFault {
    #[error("redis.url cannot be used: {0}")]
    Url(String),
    #[error("redis.ca_file {} cannot be used: {why}", file.display())]
    Authority { file: PathBuf, why: String },
    #[error("Redis cannot be reached: {0}")]
    Away(String),
}

/// Redis did not do it.
#[derive(Debug)]
pub(super) struct NotDone;

/// Whether a command changes something; each kind has its own time.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Read,
    Write,
}

enum Fault {
    /// Redis answered, with an error.
    Refused(String),
    /// There was no connection, so the command was not sent.
    Unreached(String),
    /// The connection broke, or no answer came in time.
    Broken(String),
}

#[derive(Default)]
struct State {
    idle: Vec<MultiplexedConnection>,
    /// Why commands are not sent.
    away: Option<String>,
    /// Why nothing is heard.
    deaf: Option<String>,
}

pub(super) struct Link {
    client: Client,
    database: i64,
    retries: u16,
    dial: Duration,
    read: Duration,
    write: Duration,
    least_idle: usize,
    places: Semaphore,
    state: Mutex<State>,
    fell: Notify,
}

impl Link {
    pub(super) fn new(config: &RedisConfig) -> Result<Self, RedisFault> {
        let (client, database) = address::client(config)?;
        let state = State {
            deaf: Some("not connected yet".to_owned()),
            away: Some("not connected yet".to_owned()),
            ..State::default()
        };
        Ok(Self {
            client,
            database,
            retries: config.max_retries,
            dial: config.dial_timeout,
            read: config.read_timeout,
            write: config.write_timeout,
            least_idle: config.min_idle_conns.into(),
            places: Semaphore::new(config.pool_size.into()),
            state: Mutex::new(state),
            fell: Notify::new(),
        })
    }

    pub(super) fn database(&self) -> i64 {
        self.database
    }

    /// Why Redis is not there, where it is not.
    pub(super) fn away(&self) -> Option<String> {
        let state = self.state();
        state.away.clone().or_else(|| state.deaf.clone())
    }

    /// Sends commands and reads the answers. Tried again where the connection broke, so what is
    /// sent may be done twice.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        way: Way,
        commands: &Pipeline,
    ) -> Result<T, NotDone> {
        self.try_ask(way, commands, self.retries).await
    }

    /// Sends commands that must not be done twice.
    pub(super) async fn ask_once<T: FromRedisValue>(
        &self,
        way: Way,
        commands: &Pipeline,
    ) -> Result<T, NotDone> {
        self.try_ask(way, commands, 0).await
    }

    async fn try_ask<T: FromRedisValue>(
        &self,
        way: Way,
        commands: &Pipeline,
        retries: u16,
    ) -> Result<T, NotDone> {
        if self.state().away.is_some() {
            return Err(NotDone);
        }
        let mut left = retries;
        loop {
            let why = match self.once(way, commands).await {
                Ok(answer) => return Ok(answer),
                Err(Fault::Refused(why)) => {
                    tracing::warn!(why, "Redis refused a command");
                    return Err(NotDone);
                }
                Err(Fault::Unreached(why) | Fault::Broken(why)) => why,
            };
            if left == 0 {
                self.fall(why);
                return Err(NotDone);
            }
            left -= 1;
        }
    }

    async fn once<T: FromRedisValue>(&self, way: Way, commands: &Pipeline) -> Result<T, Fault> {
        let limit = match way {
            Way::Read => self.read,
            Way::Write => self.write,
        };
        let late = |_| Fault::Broken("no answer in time".to_owned());
        let place = timeout(limit, self.places.acquire()).await.map_err(late)?;
        let _place = place.map_err(|_| Fault::Unreached("closed".to_owned()))?;
        let idle = self.state().idle.pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect().await.map_err(Fault::Unreached)?,
        };
        match timeout(limit, commands.query_async(&mut connection)).await.map_err(late)? {
            Ok(answer) => {
                self.state().idle.push(connection);
                Ok(answer)
            }
            Err(error) if is_broken(&error) => {
                // The others are as old, and were to the same server.
                self.state().idle.clear();
                Err(Fault::Broken(told(&error)))
            }
            Err(error) => {
                self.state().idle.push(connection);
                Err(Fault::Refused(told(&error)))
            }
        }
    }

    async fn connect(&self) -> Result<MultiplexedConnection, String> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.dial))
            .set_response_timeout(None);
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        match timeout(self.dial, connecting).await {
            Ok(connected) => connected.map_err(|error| told(&error)),
            Err(_) => Err("no connection in time".to_owned()),
        }
    }

    /// A connection that only listens.
    pub(super) async fn listener(&self, channel: &str) -> Result<PubSub, String> {
        let connecting = async {
            let mut listener = self.client.get_async_pubsub().await?;
            listener.subscribe(channel).await?;
            Ok(listener)
        };
        match timeout(self.dial, connecting).await {
            Ok(listener) => listener.map_err(|error: redis::RedisError| told(&error)),
            Err(_) => Err("no connection in time".to_owned()),
        }
    }

    /// Whether anything can be heard, and if not why.
    pub(super) fn set_deaf(&self, why: Option<String>) {
        self.state().deaf = why;
    }

    /// How long a silent listener is believed to be connected.
    pub(super) fn silence(&self) -> Duration {
        BEAT * 5 + self.read
    }

    /// Marks Redis away until a new connection is made.
    pub(super) fn fall(&self, why: String) {
        let mut state = self.state();
        state.idle.clear();
        if state.away.is_none() {
            tracing::warn!(why, "Redis is away; this process goes on alone");
            state.away = Some(why);
            self.fell.notify_one();
        }
    }

    /// Opens what is always to be open; any success ends the absence.
    pub(super) async fn rise(&self) -> Result<(), String> {
        let mut connection = self.connect().await?;
        let mut ping = Pipeline::new();
        ping.cmd("PING").ignore();
        let answer = timeout(self.read, ping.query_async::<()>(&mut connection)).await;
        answer.map_err(|_| "no answer in time".to_owned())?.map_err(|error| told(&error))?;
        let mut state = self.state();
        state.idle.push(connection);
        if state.away.take().is_some() {
            tracing::info!("Redis is there");
        }
        Ok(())
    }

    fn missing(&self) -> bool {
        let state = self.state();
        state.away.is_some() || state.idle.len() < self.least_idle.max(1)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after the connections until the broker ends.
pub(super) async fn keep(link: Arc<Link>, wire: Arc<Wire>) {
    let mut pause = FIRST_PAUSE;
    loop {
        while link.missing() {
            match link.rise().await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(why) => {
                    link.fall(why.clone());
                    if let Some(away) = &mut link.state().away {
                        *away = why;
                    }
                    tokio::time::sleep(pause).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            }
        }
        let _ = timeout(BEAT, link.fell.notified()).await;
        let _ = link.ask_once::<()>(Way::Write, &wire.beat()).await;
    }
}

fn is_broken(error: &redis::RedisError) -> bool {
    let loading = matches!(error.code(), Some("LOADING" | "MASTERDOWN" | "READONLY"));
    error.is_io_error() || error.is_timeout() || error.is_connection_dropped() || loading
}

/// The kind of an error and the server's word for it; never what was sent.
fn told(error: &redis::RedisError) -> String {
    match error.code() {
        Some(code) => format!("{} ({code})", error.category()),
        None if error.is_connection_refusal() => "the connection was refused".to_owned(),
        None => error.category().to_owned(),
    }
}
