//! Learning sessions: opening, reading, talking, publishing, closing.

use air_ir::Catalog;
use axum::body::Body;
use axum::http::header::LOCATION;
use axum::http::{Response, StatusCode};

use super::asking::response;
use super::chat::said;
use super::datasources::page;
use super::endpoints::published;
use super::reports::free;
use super::rows::{json, number, with_header};
use super::runs::summary;
use super::scopes::version_shown;
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::auth::Role;
use crate::chat::Post;
use crate::contract::types::{
    AskResponse, Cursor, EndpointVersion, ErrorCode, LearningSession, LearningSessionCreate,
    LearningSessionDetail, LearningSessionList, LearningSessionStatus, ListLearningSessionsQuery,
    SessionFile, SessionJoin, SessionMessage, SessionPublish,
};
use crate::id::LearningSessionId;
use crate::pipeline::order::instant;
use crate::problem::ApiError;
use crate::store::{self, PageRequest, Session, SessionStatus};
use crate::{sessions, uploads};

pub(super) const OPERATIONS: &[Operation] = &[
    operation!(create_learning_session),
    operation!(list_learning_sessions),
    operation!(get_learning_session),
    operation!(delete_learning_session),
    operation!(post_session_message),
    operation!(publish_session),
];

/// Messages that are shown with a session.
const MESSAGES: u32 = 500;

async fn create_learning_session(call: Call) -> Answer {
    let body: LearningSessionCreate = call.body()?;
    let files = uploads::of(&call.app, &call.principal, &body.file_ids).await.map_err(in_body)?;
    let open = sessions::open(&call.app, &call.principal, files, body.name, call.deadline);
    let session = Box::pin(open).await?;
    let location = format!("/v1/learning-sessions/{}", session.id);
    let detail = Box::pin(detail(&call, session)).await?;
    with_header(json(StatusCode::CREATED, &detail)?, LOCATION, &location)
}

/// What is wrong with a file is wrong at its place in the list.
fn in_body(mut error: ApiError) -> ApiError {
    for one in &mut error.errors {
        one.pointer = format!("/file_ids{}", one.pointer);
    }
    error
}

async fn list_learning_sessions(call: Call) -> Answer {
    let query: ListLearningSessionsQuery = call.query()?;
    let owner = (!call.principal.may(Role::Admin)).then_some(call.principal.sub.as_str());
    let page = page(query.limit, query.cursor);
    let found = call.app.store.sessions().list(owner, &page).await?;
    let items = found.items.into_iter().map(shown).collect::<Result<_, _>>()?;
    let list = LearningSessionList { items, next: found.next.map(Cursor::new) };
    json(StatusCode::OK, &list)
}

fn shown(session: Session) -> Result<LearningSession, ApiError> {
    let file = |file: store::SessionFile| SessionFile {
        id: file.id,
        name: file.name,
        table: file.table,
        bytes: file.bytes,
        rows: file.rows,
    };
    Ok(LearningSession {
        datasource_id: session.source().map_err(ApiError::internal)?,
        id: session.id,
        name: session.title,
        owner: session.owner,
        status: match session.status {
            SessionStatus::Open => LearningSessionStatus::Open,
            SessionStatus::Published => LearningSessionStatus::Published,
        },
        files: session.files.into_iter().map(file).collect(),
        suggested_questions: session.suggestions,
        created_at: session.created_at.to_string(),
        updated_at: session.updated_at.to_string(),
    })
}

/// A session that the caller may see: their own, or any for an admin.
async fn seen(call: &Call) -> Result<Session, ApiError> {
    let id: LearningSessionId = call.path("id")?;
    let session = call.app.store.sessions().get(&id).await?;
    call.require_owner(&session.owner, "learning session", id.as_str())?;
    Ok(session)
}

/// A session of the caller's own, in which they talk.
async fn own(call: &Call) -> Result<Session, ApiError> {
    let session = seen(call).await?;
    match session.owner == call.principal.sub {
        true => Ok(session),
        false => {
            let detail = "Only who opened a learning session talks in it and publishes of it.";
            Err(ApiError::new(ErrorCode::Forbidden, detail))
        }
    }
}

async fn get_learning_session(call: Call) -> Answer {
    let session = seen(&call).await?;
    json(StatusCode::OK, &Box::pin(detail(&call, session)).await?)
}

/// A session with everything that belongs to it.
async fn detail(call: &Call, session: Session) -> Result<LearningSessionDetail, ApiError> {
    let (app, principal) = (&call.app, &call.principal);
    let (session, catalog) = sessions::catalog(app, principal, session, call.deadline).await?;
    let room = session.room().map_err(ApiError::internal)?;
    let newest = PageRequest::new(Some(MESSAGES), None);
    let mut messages = app.store.chat_messages().newest(&room, &newest).await?.items;
    messages.reverse();
    let mut runs = Vec::new();
    for run in app.store.runs().of_room(&room).await? {
        runs.push(summary(call, &run).await?);
    }
    let endpoints = app.store.endpoints().of_session(&session.id).await?;
    let endpoint = |(slug, version)| EndpointVersion { slug, version: number(version) };
    let session = shown(session)?;
    Ok(LearningSessionDetail {
        id: session.id,
        name: session.name,
        owner: session.owner,
        status: session.status,
        datasource_id: session.datasource_id,
        files: session.files,
        suggested_questions: session.suggested_questions,
        created_at: session.created_at,
        updated_at: session.updated_at,
        joins: joins(&catalog),
        messages: messages.into_iter().map(|message| said(call, message)).collect(),
        scopes: app.store.scopes().of_room(&room).await?.into_iter().map(version_shown).collect(),
        runs,
        endpoints: endpoints.into_iter().map(endpoint).collect(),
    })
}

/// How the tables lead to each other.
fn joins(catalog: &Catalog) -> Vec<SessionJoin> {
    let of = |table: &air_ir::Table| {
        let name = table.name.clone();
        let join = move |key: &air_ir::ForeignKey| SessionJoin {
            from: format!("{name}.{}", key.columns.join("+")),
            to: format!("{}.{}", key.references.table, key.references.columns.join("+")),
        };
        table.foreign_keys.iter().map(join).collect::<Vec<_>>()
    };
    catalog.tables.iter().flat_map(of).collect()
}

async fn delete_learning_session(call: Call) -> Answer {
    let session = seen(&call).await?;
    sessions::close(&call.app, &session).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

async fn post_session_message(call: Call) -> Answer {
    let body: SessionMessage = call.body()?;
    let session = own(&call).await?;
    let message = Post {
        content: body.text,
        answers: body.answers.unwrap_or_default(),
        now: body.now.as_deref().map(|now| instant(Some(now))).transpose()?,
        run: body.run,
        ..Post::default()
    };
    let said = sessions::say(&call.app, &call.principal, session, message, call.deadline);
    let (message_id, ended) = Box::pin(said).await?;
    json(StatusCode::OK, &AskResponse { message_id, ..response(&call, ended) })
}

async fn publish_session(call: Call) -> Answer {
    let body: SessionPublish = call.body()?;
    free(&body.slug, "/slug")?;
    let session = own(&call).await?;
    let publish = sessions::publish(&call.app, &call.principal, &session, body);
    published(&Box::pin(publish).await?)
}
