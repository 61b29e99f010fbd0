//! Which workers are there.
//!
//! In: their places, and what is heard of them. Out: those that answered last. One that was lost is
//! left out until it answers again; it is asked beside a run while others are there, and waited for
//! where none is.

use crate::lost::{of, shown};
use crate::version;
use crate::way::{Place, Ways};
use air_connectors::SourceError;
use air_engine::WorkerLost;
use datafusion::error::{DataFusionError, Result};
use datafusion_distributed::{GetWorkerInfoRequest, WorkerResolver};
use futures::future::join_all;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// How long a worker may take to say that it is there.
const ANSWER: Duration = Duration::from_secs(5);

/// See the module. Clones share what is known.
#[derive(Debug, Clone)]
pub(crate) struct Workers {
    places: Arc<Vec<Place>>,
    ways: Ways,
    /// Why each that is left out is.
    away: Arc<Mutex<BTreeMap<Url, String>>>,
}

impl Workers {
    /// None has answered yet.
    pub(crate) fn new(places: Vec<Place>, ways: Ways) -> Self {
        let unasked = |place: &Place| (place.url().clone(), "it was not asked yet".to_owned());
        let away = Arc::new(Mutex::new(places.iter().map(unasked).collect()));
        Self { places: Arc::new(places), ways, away }
    }

    fn away(&self) -> std::sync::MutexGuard<'_, BTreeMap<Url, String>> {
        // A map of whole entries is whole after a panic too.
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that are there.
    pub(crate) fn there(&self) -> Vec<Url> {
        let away = self.away();
        let all = self.places.iter().map(Place::url);
        all.filter(|url| !away.contains_key(*url)).cloned().collect()
    }

    /// Those that are there, after those that were away were asked.
    ///
    /// # Errors
    /// [`WorkerLost`] where none is.
    pub(crate) async fn some(&self) -> Result<Vec<Url>, WorkerLost> {
        let missing: Vec<Url> = self.away().keys().cloned().collect();
        if !missing.is_empty() {
            let (workers, known) = (self.clone(), self.there().len());
            let asking = async move { workers.ask_all(missing).await };
            match known {
                0 => asking.await,
                // It ends by itself, at the latest when its time is over.
                _ => drop(tokio::spawn(asking)),
            }
        }
        let there = self.there();
        match there.is_empty() {
            false => Ok(there),
            true => Err(self.none()),
        }
    }

    async fn ask_all(&self, missing: Vec<Url>) {
        let asked = missing.iter().map(|url| ask(&self.ways, url));
        for (url, answer) in missing.iter().zip(join_all(asked).await) {
            match answer {
                Ok(()) => drop(self.away().remove(url)),
                Err(why) => drop(self.away().insert(url.clone(), why)),
            }
        }
    }

    fn none(&self) -> WorkerLost {
        let away = self.away();
        let names: Vec<String> = away.keys().map(shown).collect();
        let why = away.values().next().cloned().unwrap_or_default();
        WorkerLost { worker: names.join(", "), why }
    }

    /// An error of a run, in which a lost worker is left out from now on.
    pub(crate) fn heard(&self, error: DataFusionError) -> DataFusionError {
        let Some(lost) = of(&error) else { return worded(error) };
        tracing::warn!(worker = lost.worker, why = lost.why, "a worker was lost");
        if let Ok(url) = Url::parse(&lost.worker) {
            self.away().insert(url, lost.why.clone());
        }
        lost.into()
    }
}

/// An error of which a worker told the words alone, with no more words around them.
fn worded(error: DataFusionError) -> DataFusionError {
    match error.find_root() {
        DataFusionError::External(words) if !words.is::<SourceError>() => {
            let reason = words.to_string();
            DataFusionError::External(Box::new(SourceError::Engine { reason }))
        }
        _ => error,
    }
}

/// Asks every worker; what each says.
pub async fn ask_workers(places: &[Place], ways: &Ways) -> Vec<(String, Result<(), String>)> {
    let asked = places.iter().map(|place| ask(ways, place.url()));
    places.iter().map(ToString::to_string).zip(join_all(asked).await).collect()
}

/// Whether a worker is there and of this version.
async fn ask(ways: &Ways, url: &Url) -> Result<(), String> {
    let asked = async {
        let mut client = ways.client(url)?;
        client.get_worker_info(GetWorkerInfoRequest {}).await
    };
    match tokio::time::timeout(ANSWER, asked).await {
        Err(_) => Err(format!("it does not answer within {} s", ANSWER.as_secs())),
        Ok(Err(error)) => Err(of(&error).map_or_else(|| error.to_string(), |lost| lost.why)),
        Ok(Ok(info)) if info.version == version() => Ok(()),
        Ok(Ok(info)) => Err(format!("it is air {}, and this is {}", info.version, version())),
    }
}

impl WorkerResolver for Workers {
    fn get_urls(&self) -> Result<Vec<Url>> {
        Ok(self.there())
    }
}
