//! Who is in a room, and who is there.

use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::chat::{room_of, shown};
use super::rows::json;
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::chat;
use crate::contract::types::{ChatJoin, ChatMember, ChatPresence, LeaveChatRoomQuery};

pub(super) const OPERATIONS: &[Operation] =
    &[operation!(join_chat_room), operation!(leave_chat_room), operation!(get_chat_presence)];

async fn join_chat_room(call: Call) -> Answer {
    let body: ChatJoin = call.body()?;
    let room = room_of(&call)?;
    let user = body.user_id.as_deref();
    let room = chat::join(&call.app, &call.principal, room.as_str(), user).await?;
    json(StatusCode::OK, &shown(room))
}

async fn leave_chat_room(call: Call) -> Answer {
    let query: LeaveChatRoomQuery = call.query()?;
    let room = room_of(&call)?;
    let user = query.user_id.as_deref();
    chat::leave(&call.app, &call.principal, room.as_str(), user).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

async fn get_chat_presence(call: Call) -> Answer {
    let room = room_of(&call)?;
    let (room, all) = chat::presence(&call.app, &call.principal, room.as_str()).await?;
    let member = |present: chat::Present| ChatMember {
        user_id: present.member.user_id,
        online: present.online,
        typing: present.typing,
        joined_at: present.member.joined_at.to_string(),
        last_seen: present.last_seen.map(|at| at.to_string()),
    };
    let items = all.into_iter().map(member).collect();
    json(StatusCode::OK, &ChatPresence { room: room.id, items })
}
