//! Who is there: told when a user's first socket opens and the last one ends.

use serde_json::json;

use super::Seat;
use crate::broker::Session;
use crate::events::{Channel, EventKind};
use crate::id::SocketId;
use crate::service::App;
use crate::store::Moment;

pub(super) async fn arrive(app: &App, user: &str, id: &SocketId) {
    let first = sessions(app, user).await.is_empty();
    seen(app, user, id, None).await;
    if first {
        tell(app, &Channel::Online, user, true).await;
    }
}

/// The open sockets of a user.
async fn sessions(app: &App, user: &str) -> Vec<Session> {
    let known = app.broker.whereabouts(&[user.to_owned()]).await;
    known.into_iter().flat_map(|known| known.sessions).collect()
}

/// How many sockets a user has in other processes that live. Those that open at the same moment
/// are not known yet.
pub(super) async fn elsewhere(app: &App, user: &str) -> usize {
    let sessions = sessions(app, user).await;
    let mut others: Vec<_> =
        sessions.iter().filter_map(|session| session.process.as_ref()).collect();
    others.retain(|process| *process != app.store.process());
    others.iter().filter(|process| !app.processes.is_dead(process)).count()
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
    if sessions(app, user).await.is_empty() {
        tell(app, &Channel::Online, user, false).await;
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
