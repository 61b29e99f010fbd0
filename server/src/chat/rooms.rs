//! Making rooms, and coming and going.

use super::{enabled, joined, seen};
use crate::auth::{Principal, Role};
use crate::contract::types::{ErrorCode, FieldErrorCode};
use crate::id::{ChatRoomId, DatasourceId};
use crate::pipeline::sources;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{ChatAi, ChatRoom, ChatRoomKind, Moved, NewChatMessage, NewChatRoom};

/// A room as somebody wants it.
#[derive(Debug, Clone)]
pub(crate) struct NewRoom {
    pub(crate) id: Option<ChatRoomId>,
    pub(crate) name: Option<String>,
    pub(crate) kind: ChatRoomKind,
    pub(crate) private: bool,
    pub(crate) ai: Option<ChatAi>,
    pub(crate) datasource_id: Option<DatasourceId>,
    pub(crate) members: Vec<String>,
}

/// Makes a room, whose first member is the caller.
pub(crate) async fn create(
    app: &App,
    principal: &Principal,
    mut new: NewRoom,
) -> Result<ChatRoom, ApiError> {
    enabled(app)?;
    if let Some(id) = &new.datasource_id {
        sources::datasource(app, principal, id).await?;
    }
    new.members.retain(|user| *user != principal.sub);
    new.members.sort_unstable();
    new.members.dedup();
    let personal = new.kind == ChatRoomKind::Personal;
    if personal && !new.members.is_empty() {
        let detail = "A personal room has one member.";
        return Err(ApiError::field("/members", FieldErrorCode::Conflict, detail));
    }
    if new.members.len() >= most(app) {
        return Err(full(app));
    }
    let id = new.id.unwrap_or_else(ChatRoomId::made);
    let default_ai = if personal { ChatAi::Always } else { ChatAi::Mention };
    let new = NewChatRoom {
        name: new.name.unwrap_or_else(|| id.to_string()),
        id,
        kind: new.kind,
        private: new.private || personal,
        ai: new.ai.unwrap_or(default_ai),
        datasource_id: new.datasource_id,
        created_by: principal.sub.clone(),
        members: new.members,
    };
    let room = app.store.chat_rooms().create(&new).await?;
    app.broker.room_described(room.id.as_str(), &room.name).await;
    Ok(room)
}

fn most(app: &App) -> usize {
    usize::try_from(app.config.chat.max_room_size).unwrap_or(usize::MAX)
}

fn full(app: &App) -> ApiError {
    let most = app.config.chat.max_room_size;
    let detail = format!("A room holds at most {most} members (chat.max_room_size).");
    ApiError::new(ErrorCode::LimitExceeded, detail)
}

/// Puts `user` into a room: the caller into one they may know of, others into the caller's own.
pub(crate) async fn join(
    app: &App,
    principal: &Principal,
    room: &str,
    user: Option<&str>,
) -> Result<ChatRoom, ApiError> {
    let user = user.unwrap_or(&principal.sub);
    let found = match user == principal.sub {
        true => seen(app, principal, room).await?,
        false => joined(app, principal, room).await?,
    };
    let owner_back = user == found.created_by && user == principal.sub;
    if found.kind == ChatRoomKind::Personal && !owner_back {
        let detail = "A personal room has one member; make a group for several.";
        return Err(ApiError::field("", FieldErrorCode::Conflict, detail));
    }
    let told = match user == principal.sub {
        true => format!("{user} joined."),
        false => format!("{} brought {user} in.", principal.sub),
    };
    let told = NewChatMessage::system(&found.id, &principal.sub, told);
    let most = app.config.chat.max_room_size;
    match app.store.chat_rooms().join(&found.id, user, most, &told).await? {
        Moved::Full => return Err(full(app)),
        Moved::Before => {}
        Moved::Done(event) => app.events.announce(event).await,
    }
    Ok(app.store.chat_rooms().get(&found.id, &principal.sub).await?)
}

/// Takes `user` out of a room: the caller, or somebody else by who made it or an admin.
pub(crate) async fn leave(
    app: &App,
    principal: &Principal,
    room: &str,
    user: Option<&str>,
) -> Result<(), ApiError> {
    let found = seen(app, principal, room).await?;
    let user = user.unwrap_or(&principal.sub);
    let own = user == principal.sub;
    if !own && found.created_by != principal.sub && !principal.may(Role::Admin) {
        let detail = "Only who made the room, or an admin, takes others out.";
        return Err(ApiError::new(ErrorCode::Forbidden, detail));
    }
    let told = match own {
        true => format!("{user} left."),
        false => format!("{} took {user} out.", principal.sub),
    };
    let told = NewChatMessage::system(&found.id, &principal.sub, told);
    if let Moved::Done(event) = app.store.chat_rooms().leave(&found.id, user, &told).await? {
        app.events.announce(event).await;
    }
    Ok(())
}
