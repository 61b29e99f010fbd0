//! Learning sessions: uploaded files, as a source that one person asks, and what they publish.
//!
//! In: files that are ready. Out: a session: a folder of links to the files, a private source over
//! it that was learned with its keys, questions to begin with, and a room of the chat that is the
//! transcript. Asking is the pipeline's and talking the chat's; a session only brings them
//! together. Absent on purpose: HTTP, and anything that only a session could answer.

mod files;
mod parameters;
mod publish;
mod suggest;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use air_connectors::FilesSource;
use air_ir::Catalog;

use crate::auth::Principal;
use crate::chat::{self, Post};
use crate::config::SourceKind;
use crate::contract::types::{ErrorCode, LearnRequest};
use crate::id::LearningSessionId;
use crate::pipeline::order::Pace;
use crate::pipeline::{ask::Ended, learn, sources};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{
    ChatAi, ChatRoomKind, NewChatRoom, NewDatasource, NewSession, Session, SessionFile,
};
use crate::uploads::StoredFile;

pub(crate) use self::files::tidy;
pub(crate) use self::parameters::schema;
pub(crate) use self::publish::publish;

/// Below which each session has the folder of its source.
pub(crate) fn folder(app: &App) -> PathBuf {
    app.config.data_dir.join("sessions")
}

/// Opens a session on files of the caller's own, and learns them. What cannot be learned leaves
/// nothing behind.
pub(crate) async fn open(
    app: &Arc<App>,
    principal: &Principal,
    stored: Vec<StoredFile>,
    name: Option<String>,
    deadline: Instant,
) -> Result<Session, ApiError> {
    let id = LearningSessionId::new();
    let placed = files::placed(&stored);
    files::link(app, &id, &stored, &placed).await?;
    let new = new(&id, principal, placed, name)?;
    let session = match app.store.sessions().open(&new).await {
        Ok(session) => session,
        Err(error) => {
            files::remove(app, &id).await;
            return Err(error.into());
        }
    };
    app.broker.room_described(new.room.id.as_str(), &new.room.name).await;
    match learned(app, principal, &session, deadline).await {
        Ok(session) => Ok(session),
        Err(error) => {
            close(app, &session).await?;
            Err(error)
        }
    }
}

fn new(
    id: &LearningSessionId,
    principal: &Principal,
    files: Vec<SessionFile>,
    name: Option<String>,
) -> Result<NewSession, ApiError> {
    let owner = principal.sub.clone();
    let title = name.unwrap_or_else(|| {
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        crate::pipeline::ask::name(&names.join(", "))
    });
    Ok(NewSession {
        source: NewDatasource {
            id: id.as_str().parse().map_err(ApiError::internal)?,
            kind: SourceKind::Files,
            dsn: None,
            base_path: Some(id.to_string()),
            display_name: title.clone(),
            is_default: false,
            allow_superuser: false,
            sample_values: true,
            owner: Some(owner.clone()),
        },
        room: NewChatRoom {
            id: id.as_str().parse().map_err(ApiError::internal)?,
            name: title.clone(),
            kind: ChatRoomKind::Personal,
            private: true,
            ai: ChatAi::Always,
            datasource_id: Some(id.as_str().parse().map_err(ApiError::internal)?),
            created_by: owner.clone(),
            members: Vec::new(),
        },
        id: id.clone(),
        owner,
        title,
        files,
    })
}

/// Learns what a session's files hold, and what may be asked of it.
async fn learned(
    app: &Arc<App>,
    principal: &Principal,
    session: &Session,
    deadline: Instant,
) -> Result<Session, ApiError> {
    let source = session.source().map_err(ApiError::internal)?;
    let heard: learn::Hearing = Arc::new(|_, _| {});
    let request = LearnRequest::default();
    learn::learn(app, &source, &request, deadline, (Pace::Request, heard)).await?;
    let prepared = sources::prepared(app, principal, &source).await?;
    let catalog = Arc::clone(prepared.catalog());
    let suggestions = suggest::answered(app, &source, prepared).await?;
    let files = counted(&session.files, &catalog);
    Ok(app.store.sessions().learned(&session.id, &files, &suggestions).await?)
}

/// The files with the rows that were counted.
fn counted(files: &[SessionFile], catalog: &Catalog) -> Vec<SessionFile> {
    let rows = |file: &SessionFile| {
        let table = catalog.tables.iter().find(|table| table.name == file.table);
        table.and_then(|table| table.row_estimate).or(file.rows)
    };
    files.iter().map(|file| SessionFile { rows: rows(file), ..file.clone() }).collect()
}

/// The session with its catalog, learned now where a crash came between.
pub(crate) async fn catalog(
    app: &Arc<App>,
    principal: &Principal,
    session: Session,
    deadline: Instant,
) -> Result<(Session, Arc<Catalog>), ApiError> {
    let source = session.source().map_err(ApiError::internal)?;
    match sources::prepared(app, principal, &source).await {
        Ok(prepared) => Ok((session, Arc::clone(prepared.catalog()))),
        Err(error) if error.code == ErrorCode::NotLearned => {
            let session = learned(app, principal, &session, deadline).await?;
            let prepared = sources::prepared(app, principal, &source).await?;
            Ok((session, Arc::clone(prepared.catalog())))
        }
        Err(error) => Err(error),
    }
}

/// Says something in a session and waits for the answer; the id of its message goes with it.
pub(crate) async fn say(
    app: &Arc<App>,
    principal: &Principal,
    session: Session,
    message: Post,
    deadline: Instant,
) -> Result<(Option<crate::id::ChatMessageId>, Ended), ApiError> {
    let room = session.room().map_err(ApiError::internal)?;
    let (session, _) = catalog(app, principal, session, deadline).await?;
    let room = app.store.chat_rooms().standing(&room, &principal.sub).await?;
    let message = Post { ask: Some(true), ..message };
    let (posted, ended) = Box::pin(chat::converse(app, principal, &room, message)).await?;
    app.store.sessions().touch(&session.id).await?;
    Ok((posted.answer_id, ended))
}

/// Removes a session with its source, its transcript and its folder.
pub(crate) async fn close(app: &App, session: &Session) -> Result<(), ApiError> {
    app.store.sessions().delete(session).await?;
    if let Ok(source) = session.source() {
        sources::forget(app, &source);
        let (base, own) = (folder(app), folder(app).join(source.as_str()));
        if let Ok(files) = FilesSource::open(source.as_str(), &base, &own) {
            files.unregister(app.engine.runtime.env());
        }
    }
    files::remove(app, &session.id).await;
    Ok(())
}
