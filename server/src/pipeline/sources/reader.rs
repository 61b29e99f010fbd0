//! For whom a source is there.
//!
//! In: who reads, and through which saved report. Out: the source's record, or that there is none.
//! A learning session's source is its owner's: others do not know of it, an admin may see it. Who
//! publishes an answer lets others read through that version of it, and through nothing else.

use crate::auth::Principal;
use crate::contract::types::ErrorCode;
use crate::id::{DatasourceId, ReportVersionId};
use crate::pipeline::Order;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{Datasource, StoreError};

/// Who reads a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(super) principal: &'a Principal,
    /// The version of a report that is run.
    through: Option<&'a ReportVersionId>,
}

impl<'a> From<&'a Principal> for Reader<'a> {
    fn from(principal: &'a Principal) -> Self {
        Self { principal, through: None }
    }
}

impl<'a> From<&'a Order> for Reader<'a> {
    fn from(order: &'a Order) -> Self {
        let through = order.report.as_ref().map(|(_, version)| &version.id);
        Self { principal: &order.principal, through }
    }
}

/// A source's record, if it is there for the reader.
pub(crate) async fn datasource(
    app: &App,
    reader: impl Into<Reader<'_>>,
    id: &DatasourceId,
) -> Result<Datasource, ApiError> {
    let reader: Reader<'_> = reader.into();
    let found = app.store.datasources().get(id).await?;
    there(app, reader, found).await
}

/// The same, with the tag of its catalog's record, if it was learned.
pub(super) async fn tagged(
    app: &App,
    reader: Reader<'_>,
    id: &DatasourceId,
) -> Result<(Datasource, Option<String>), ApiError> {
    let (found, tag) = app.store.datasources().with_tag(id).await?;
    Ok((there(app, reader, found).await?, tag))
}

async fn there(app: &App, reader: Reader<'_>, found: Datasource) -> Result<Datasource, ApiError> {
    let Some(owner) = &found.owner else { return Ok(found) };
    let published = match reader.through {
        _ if reader.principal.owns_or_admin(owner) => true,
        Some(version) => app.store.endpoints().is_published(version).await?,
        None => false,
    };
    match published {
        true => Ok(found),
        // In the words of one that is not there.
        false => {
            let id = found.id.to_string();
            Err(StoreError::NotFound { what: "datasource", id }.into())
        }
    }
}

/// The same of one that need not be there.
pub(super) async fn known(
    app: &App,
    reader: Reader<'_>,
    id: &DatasourceId,
) -> Result<Option<(Datasource, Option<String>)>, ApiError> {
    match tagged(app, reader, id).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
