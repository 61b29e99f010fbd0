//! Who is there: told when a user's first socket opens and the last one ends, also where it ends
//! with its process. What counts are the sockets of processes that live.

use std::collections::HashSet;

use serde_json::json;

use super::Seat;
use crate::broker::{Health, Session, Whereabouts};
use crate::events::{Channel, EventKind};
use crate::id::{ProcessId, SocketId};
use crate::service::App;
use crate::store::{ChatRoomKind, Moment, PageRequest};

/// Where users are, in their order. What the broker still holds of a process that died says that
/// nobody is there.
pub(crate) async fn whereabouts(app: &App, users: &[String]) -> Vec<Whereabouts> {
    let mut all = app.broker.whereabouts(users).await;
    let sessions = all.iter().flat_map(|known| &known.sessions);
    let mut dead: HashSet<ProcessId> =
        sessions.filter_map(|session| session.process.clone()).collect();
    dead.retain(|process| app.processes.is_dead(process));
    for known in &mut all {
        known.sessions.retain(|session| !is_of(session, &dead));
    }
    all
}

fn is_of(session: &Session, processes: &HashSet<ProcessId>) -> bool {
    session.process.as_ref().is_some_and(|process| processes.contains(process))
}

/// The open sockets of a user, in whichever process.
async fn open(app: &App, user: &str) -> Vec<Session> {
    let known = whereabouts(app, &[user.to_owned()]).await;
    known.into_iter().flat_map(|known| known.sessions).collect()
}

pub(super) async fn arrive(app: &App, user: &str, id: &SocketId) {
    let first = open(app, user).await.is_empty();
    seen(app, user, id, None).await;
    if first {
        tell(app, &Channel::Online, user, true).await;
    }
}

/// How many sockets a user has in other processes. Those that open at the same moment are not
/// known yet.
pub(super) async fn elsewhere(app: &App, user: &str) -> usize {
    let open = open(app, user).await;
    let processes = open.iter().filter_map(|session| session.process.as_ref());
    processes.filter(|process| *process != app.store.process()).count()
}

/// The socket is still there.
pub(super) async fn seen(app: &App, user: &str, id: &SocketId, room: Option<&str>) {
    let session = Session {
        user: user.to_owned(),
        ws_id: id.to_string(),
        last_seen: Moment::now(),
        room: room.map(str::to_owned),
        process: Some(app.store.process().clone()),
    };
    app.broker.session_seen(&session, app.config.chat.presence_timeout).await;
}

pub(super) async fn depart(app: &App, user: &str, id: &SocketId) {
    app.broker.session_ended(user, id.as_str()).await;
    if open(app, user).await.is_empty() {
        tell(app, &Channel::Online, user, false).await;
    }
}

/// Ends the sockets of processes that were found dead, which could not say goodbye, and tells who
/// is gone with them. While the broker is away nobody elsewhere would hear it, so it waits.
pub(crate) async fn bury(app: &App) {
    if matches!(app.broker.health().await, Health::Away(_)) {
        return;
    }
    let dead = app.processes.buried();
    if dead.is_empty() {
        return;
    }
    let users = app.broker.online().await;
    let all = app.broker.whereabouts(&users).await;
    for (user, known) in users.iter().zip(all) {
        let mut left = known.sessions;
        left.retain(|session| is_of(session, &dead));
        for session in &left {
            app.broker.session_ended(user, &session.ws_id).await;
        }
        if !left.is_empty() && open(app, user).await.is_empty() {
            tell(app, &Channel::Online, user, false).await;
            leave_all(app, user).await;
        }
    }
}

/// Tells every group of a user who is gone. Which of them they were in died with their sockets.
async fn leave_all(app: &App, user: &str) {
    let page = PageRequest::new(Some(500), None);
    let rooms = match app.store.chat_rooms().list(user, true, &page).await {
        Ok(rooms) => rooms.items,
        Err(error) => {
            tracing::warn!(%error, "it was not told in rooms that somebody is gone");
            return;
        }
    };
    for room in rooms.into_iter().filter(|room| room.kind == ChatRoomKind::Group) {
        app.broker.room_left(room.id.as_str(), user).await;
        tell(app, &Channel::Chat(room.id.to_string()), user, false).await;
    }
}

pub(super) async fn enter(app: &App, seat: &Seat, room: &str) {
    let user = &seat.principal().sub;
    if seat.enter(room) {
        app.broker.room_entered(room, user).await;
        tell(app, &Channel::Chat(room.to_owned()), user, true).await;
    }
}

pub(super) async fn leave(app: &App, seat: &Seat, room: &str) {
    let user = &seat.principal().sub;
    if seat.leave(room) {
        app.broker.room_left(room, user).await;
        tell(app, &Channel::Chat(room.to_owned()), user, false).await;
    }
}

async fn tell(app: &App, channel: &Channel, user: &str, online: bool) {
    let payload = json!({"user_id": user, "online": online});
    app.events.whisper(channel, EventKind::Presence, payload, Some(user)).await;
}
