//! An answer becomes a report.

use serde_json::json;

use super::asks::meta;
use super::heard;
use crate::auth::Principal;
use crate::contract::types::{AskState, ErrorCode, ReportDefinition};
use crate::id::{ChatMessageId, ReportKey};
use crate::pipeline::{ask, definition};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{NewReportVersion, Report, ReportVersion};

/// Saves the IR of an answer, or its SQL where it has none, as the first version of a new report, bound to its source.
pub(crate) async fn save(
    app: &App,
    principal: &Principal,
    (room, id): (&str, &ChatMessageId),
    key: &ReportKey,
    title: Option<String>,
) -> Result<(Report, ReportVersion), ApiError> {
    let room = heard(app, principal, room).await?;
    let message = app.store.chat_messages().get(&room.id, id).await?;
    let answer = meta(&message).map(|meta| meta.answer);
    let answer = answer.filter(|answer| answer.state == AskState::Answer);
    let Some((answer, def)) = answer.and_then(|answer| {
        let def = match (&answer.ir, &answer.sql_text) {
            (Some(ir), _) => json!({"version": "1", "ir": ir}),
            (None, sql) => json!({"version": "1", "sql": sql.as_ref()?}),
        };
        Some((answer, def))
    }) else {
        let detail = format!("The message {id} is no answer with rows, so there is no report.");
        return Err(ApiError::new(ErrorCode::Unsupported, detail));
    };
    let definition: ReportDefinition = serde_json::from_value(def).map_err(ApiError::internal)?;
    definition::check(app, principal, &definition, answer.datasource_id.as_ref()).await?;
    let first = NewReportVersion {
        def: serde_json::to_value(&definition).map_err(ApiError::internal)?,
        datasource_id: answer.datasource_id,
        // Another's scope is not shown by one's own report.
        scope_version_id: answer.scope_version_id.filter(|_| answer.asked_by == principal.sub),
        created_by: principal.sub.clone(),
    };
    let title = title.unwrap_or_else(|| ask::name(&answer.question));
    let reports = app.store.reports();
    Ok(reports.create_with_version(key, &title, &principal.sub, &first).await?)
}
