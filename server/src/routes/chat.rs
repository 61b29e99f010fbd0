//! Rooms and messages of the chat.

use axum::http::StatusCode;
use axum::http::header::LOCATION;

use super::datasources::page;
use super::reports::free;
use super::rows::{json, with_header};
use super::versions::created;
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::chat::{self, NewRoom, Post};
use crate::contract::types::{
    ChatAi, ChatMessage, ChatMessageList, ChatMessageType, ChatPost, ChatPosted, ChatRoom,
    ChatRoomCreate, ChatRoomKind, ChatRoomList, ChatSave, Cursor, ListChatMessagesQuery,
    ListChatRoomsQuery,
};
use crate::id::{ChatMessageId, ChatRoomId};
use crate::problem::ApiError;
use crate::store;

pub(super) const OPERATIONS: &[Operation] = &[
    operation!(list_chat_rooms),
    operation!(create_chat_room),
    operation!(get_chat_room),
    operation!(list_chat_messages),
    operation!(post_chat_message),
    operation!(save_chat_answer),
];

/// The room that the path names.
pub(super) fn room_of(call: &Call) -> Result<ChatRoomId, ApiError> {
    call.path("room")
}

async fn list_chat_rooms(call: Call) -> Answer {
    let query: ListChatRoomsQuery = call.query()?;
    chat::enabled(&call.app)?;
    let own = query.joined.unwrap_or(false);
    let page = page(query.limit, query.cursor);
    let found = call.app.store.chat_rooms().list(&call.principal.sub, own, &page).await?;
    let items = found.items.into_iter().map(shown).collect();
    json(StatusCode::OK, &ChatRoomList { items, next: found.next.map(Cursor::new) })
}

async fn create_chat_room(call: Call) -> Answer {
    let body: ChatRoomCreate = call.body()?;
    let new = NewRoom {
        id: body.id,
        name: body.name,
        kind: match body.kind {
            Some(ChatRoomKind::Personal) => store::ChatRoomKind::Personal,
            Some(ChatRoomKind::Group) | None => store::ChatRoomKind::Group,
        },
        private: body.private.unwrap_or(false),
        ai: body.ai.map(|ai| match ai {
            ChatAi::Off => store::ChatAi::Off,
            ChatAi::Mention => store::ChatAi::Mention,
            ChatAi::Always => store::ChatAi::Always,
        }),
        datasource_id: body.datasource_id,
        members: body.members.unwrap_or_default(),
    };
    let room = shown(chat::create(&call.app, &call.principal, new).await?);
    let location = format!("/v1/chat/rooms/{}", room.id);
    with_header(json(StatusCode::CREATED, &room)?, LOCATION, &location)
}

/// A room in the contract's form.
pub(super) fn shown(room: store::ChatRoom) -> ChatRoom {
    ChatRoom {
        id: room.id,
        name: room.name,
        kind: match room.kind {
            store::ChatRoomKind::Group => ChatRoomKind::Group,
            store::ChatRoomKind::Personal => ChatRoomKind::Personal,
        },
        private: room.private,
        ai: match room.ai {
            store::ChatAi::Off => ChatAi::Off,
            store::ChatAi::Mention => ChatAi::Mention,
            store::ChatAi::Always => ChatAi::Always,
        },
        datasource_id: room.datasource_id,
        created_by: room.created_by,
        members: room.members.max(0).cast_unsigned(),
        joined: room.joined,
        last_seq: (room.next_seq - 1).max(0).cast_unsigned(),
        created_at: room.created_at.to_string(),
    }
}

async fn get_chat_room(call: Call) -> Answer {
    let room = room_of(&call)?;
    let room = chat::seen(&call.app, &call.principal, room.as_str()).await?;
    json(StatusCode::OK, &shown(room))
}

async fn list_chat_messages(call: Call) -> Answer {
    let query: ListChatMessagesQuery = call.query()?;
    let room = room_of(&call)?;
    let room = chat::heard(&call.app, &call.principal, room.as_str()).await?;
    let (messages, page) = (call.app.store.chat_messages(), page(query.limit, query.cursor));
    let found = match query.after {
        Some(after) => messages.behind(&room.id, after.cast_signed(), &page).await?,
        None => messages.newest(&room.id, &page).await?,
    };
    let items = found.items.into_iter().map(|message| said(&call, message)).collect();
    json(StatusCode::OK, &ChatMessageList { items, next: found.next.map(Cursor::new) })
}

/// A message as the caller may see it.
pub(super) fn said(call: &Call, message: store::ChatMessage) -> ChatMessage {
    let policies = &call.app.config.policies;
    let (content, answer) = chat::shown(policies, &call.principal, &message);
    ChatMessage {
        answer,
        message_id: message.id,
        room: message.room_id,
        seq: message.seq.cast_unsigned(),
        r#type: match message.kind {
            store::ChatMessageType::User => ChatMessageType::User,
            store::ChatMessageType::Ai => ChatMessageType::Ai,
            store::ChatMessageType::System => ChatMessageType::System,
        },
        user_id: message.user_id,
        content,
        in_reply_to: message.reply_to,
        created_at: message.created_at.to_string(),
        client_ref: message.client_ref,
    }
}

async fn post_chat_message(call: Call) -> Answer {
    let body: ChatPost = call.body()?;
    let room = room_of(&call)?;
    let post = Post {
        content: body.content,
        client_ref: body.client_ref,
        ask: body.ask,
        reply_to: body.in_reply_to,
        answers: body.answers.unwrap_or_default(),
        ..Post::default()
    };
    let posted = chat::post(&call.app, &call.principal, room.as_str(), post).await?;
    let body = ChatPosted {
        message_id: posted.message_id,
        room,
        seq: posted.seq,
        answer_id: posted.answer_id,
    };
    json(StatusCode::CREATED, &body)
}

async fn save_chat_answer(call: Call) -> Answer {
    let body: ChatSave = call.body()?;
    let room = room_of(&call)?;
    let id: ChatMessageId = call.path("id")?;
    free(&body.key, "/key")?;
    let place = (room.as_str(), &id);
    let (report, version) =
        chat::save(&call.app, &call.principal, place, &body.key, body.title).await?;
    created(&report, &version)
}
