//! The EDA service as the server reaches it: rows out, figures in.
//!
//! In: `python` of the configuration, and rows as an Arrow IPC stream that carries the request.
//! Out: answers in the contract's types, or an [`EdaError`] that says what to do. Every request is
//! signed; a dropped future drops the request, which stops the computation; an answer is read up
//! to a bound. With `python.autostart` the service is a child of this process (`child`). Absent on
//! purpose: what is asked of which rows, which is `jobs::kinds::analyze`'s and the pipeline's.

mod caller;
mod child;
mod fault;
mod sheet;
mod signature;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::DropGuard;

use self::caller::Caller;
use self::child::Child;
pub(crate) use self::child::probe;
pub(crate) use self::fault::EdaError;
pub(crate) use self::sheet::Sheet;
use crate::config::Config;
use crate::contract::types::{
    EdaCorrelations, EdaCorrelationsRequest, EdaDrift, EdaDriftRequest, EdaInferRequest,
    EdaInference, EdaOutliers, EdaOutliersRequest, EdaProfile, EdaProfileRequest, EdaTrends,
    EdaTrendsRequest,
};

pub(crate) struct Eda {
    caller: Arc<Caller>,
    place: Place,
    /// The child is told to end however this goes.
    _guard: Option<DropGuard>,
}

enum Place {
    Off,
    /// Somebody else runs it.
    There(Url),
    /// It is this process's child.
    Here(Arc<Child>),
}

impl Eda {
    /// Starts it where it is to be started here. To be called inside of a runtime.
    ///
    /// # Errors
    /// Where the configuration names no address that can be reached.
    pub(crate) fn start(config: &Config) -> Result<Self, EdaError> {
        let python = &config.python;
        let caller = Arc::new(Caller::new(python)?);
        let (place, guard) = match (python.enabled, python.autostart) {
            (false, _) => (Place::Off, None),
            (true, false) => {
                let base = python.base_url.trim_end_matches('/');
                (Place::There(base.parse().map_err(|_| EdaError::Address)?), None)
            }
            (true, true) => {
                let child = Child::start(config, &caller);
                let guard = child.ending().drop_guard();
                (Place::Here(child), Some(guard))
            }
        };
        Ok(Self { caller, place, _guard: guard })
    }

    pub(crate) fn is_on(&self) -> bool {
        !matches!(self.place, Place::Off)
    }

    /// Whether it answers a signed request now.
    pub(crate) async fn standing(&self) -> Result<(), EdaError> {
        match &self.place {
            Place::Off => Err(EdaError::Off),
            Place::There(base) => self.caller.health(base).await,
            Place::Here(child) => self.caller.health(&child.address_now()?).await,
        }
    }

    /// Ends a service that was started here, and waits for that.
    pub(crate) async fn close(&self) {
        if let Place::Here(child) = &self.place {
            child.ended().await;
        }
    }

    pub(crate) async fn infer(&self, rows: &Sheet) -> Result<EdaInference, EdaError> {
        self.ask("infer", rows, &EdaInferRequest { path: None, format: None }).await
    }

    pub(crate) async fn profile(
        &self,
        rows: &Sheet,
        wanted: &EdaProfileRequest,
    ) -> Result<EdaProfile, EdaError> {
        self.ask("profile", rows, wanted).await
    }

    pub(crate) async fn correlations(
        &self,
        rows: &Sheet,
        wanted: &EdaCorrelationsRequest,
    ) -> Result<EdaCorrelations, EdaError> {
        self.ask("correlations", rows, wanted).await
    }

    pub(crate) async fn outliers(
        &self,
        rows: &Sheet,
        wanted: &EdaOutliersRequest,
    ) -> Result<EdaOutliers, EdaError> {
        self.ask("outliers", rows, wanted).await
    }

    pub(crate) async fn trends(
        &self,
        rows: &Sheet,
        wanted: &EdaTrendsRequest,
    ) -> Result<EdaTrends, EdaError> {
        self.ask("trends", rows, wanted).await
    }

    pub(crate) async fn drift(
        &self,
        rows: &Sheet,
        wanted: &EdaDriftRequest,
    ) -> Result<EdaDrift, EdaError> {
        self.ask("drift", rows, wanted).await
    }

    async fn ask<R: Serialize, A: DeserializeOwned>(
        &self,
        operation: &'static str,
        rows: &Sheet,
        request: &R,
    ) -> Result<A, EdaError> {
        let base = match &self.place {
            Place::Off => return Err(EdaError::Off),
            Place::There(base) => base.clone(),
            // One that has died is being started again: it is worth waiting for.
            Place::Here(child) => child.address().await?,
        };
        let request = serde_json::to_string(request).map_err(|_| EdaError::Answer)?;
        let body = [rows.head(&request)?, rows.tail()];
        let path = format!("/internal/v1/{operation}");
        let answer = self.caller.post(&base, &path, body).await?;
        serde_json::from_slice(&answer).map_err(|_| EdaError::Answer)
    }
}
