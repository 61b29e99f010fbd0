//! Who did what.

use axum::http::StatusCode;
use jiff::Timestamp;

use super::asking::object;
use super::datasources::page;
use super::rows::json;
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::contract::types::{
    AuditAction, AuditEntry, AuditList, Cursor, FieldErrorCode, ListAuditQuery,
};
use crate::problem::ApiError;
use crate::store::{self, AuditFilter};

pub(super) const OPERATIONS: &[Operation] = &[operation!(list_audit)];

async fn list_audit(call: Call) -> Answer {
    let query: ListAuditQuery = call.query()?;
    let filter = AuditFilter {
        actor: query.actor,
        action: query.action.map(|action| action.as_str().to_owned()),
        subject: query.subject,
        since: instant("?since", query.since.as_deref())?,
        until: instant("?until", query.until.as_deref())?,
    };
    let page = page(query.limit, query.cursor);
    let found = call.app.store.audit_log().list(&filter, &page).await?;
    let items = found.items.into_iter().map(shown).collect();
    json(StatusCode::OK, &AuditList { items, next: found.next.map(Cursor::new) })
}

fn instant(pointer: &str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    let read = |text: &str| {
        let bad = |_| ApiError::field(pointer, FieldErrorCode::BadValue, "This is no date-time.");
        text.parse().map_err(bad)
    };
    text.map(read).transpose()
}

fn shown(entry: store::AuditEntry) -> AuditEntry {
    AuditEntry {
        id: entry.id.to_string(),
        actor: entry.actor,
        role: entry.role,
        action: AuditAction::new(entry.action),
        subject: entry.subject,
        detail: object(entry.detail).unwrap_or_default(),
        request_id: entry.request_id,
        created_at: entry.created_at.to_string(),
    }
}
