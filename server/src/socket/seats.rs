//! How many sockets and subscriptions each user has in this process, and who is in which room.
//! Sockets in other processes are the caller's to take off what a user may have.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::auth::Principal;

#[derive(Debug, Default)]
struct Used {
    sockets: usize,
    subscriptions: usize,
    /// How many sockets listen to each room.
    rooms: HashMap<String, usize>,
}

/// Counts of every user.
#[derive(Debug, Default)]
pub(super) struct Seats {
    users: Mutex<HashMap<String, Used>>,
}

/// One socket's place among those of its user; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    principal: Principal,
    subscriptions: usize,
}

impl Seats {
    /// A place, unless the user has as many as they may.
    pub(super) fn take(self: &Arc<Self>, principal: Principal, most: usize) -> Option<Seat> {
        let mut users = self.users();
        let used = users.entry(principal.sub.clone()).or_default();
        if used.sockets >= most {
            return None;
        }
        used.sockets += 1;
        Some(Seat { seats: Arc::clone(self), principal, subscriptions: 0 })
    }

    fn users(&self) -> MutexGuard<'_, HashMap<String, Used>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Counts a subscription, unless the user has as many as they may.
    pub(super) fn subscribe(&mut self, most: usize) -> bool {
        let mut users = self.seats.users();
        let used = users.entry(self.principal.sub.clone()).or_default();
        let may = used.subscriptions < most;
        if may {
            used.subscriptions += 1;
            self.subscriptions += 1;
        }
        may
    }

    pub(super) fn unsubscribe(&mut self) {
        let mut users = self.seats.users();
        if let Some(used) = users.get_mut(&self.principal.sub) {
            used.subscriptions = used.subscriptions.saturating_sub(1);
            self.subscriptions = self.subscriptions.saturating_sub(1);
        }
    }

    /// True: this is the user's first socket here in the room.
    pub(super) fn enter(&self, room: &str) -> bool {
        let mut users = self.seats.users();
        let used = users.entry(self.principal.sub.clone()).or_default();
        let count = used.rooms.entry(room.to_owned()).or_default();
        *count += 1;
        *count == 1
    }

    /// True: that was the user's last socket here in the room.
    pub(super) fn leave(&self, room: &str) -> bool {
        let mut users = self.seats.users();
        let Some(used) = users.get_mut(&self.principal.sub) else { return true };
        let Some(count) = used.rooms.get_mut(room) else { return true };
        *count -= 1;
        let last = *count == 0;
        if last {
            used.rooms.remove(room);
        }
        last
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut users = self.seats.users();
        if let Some(used) = users.get_mut(&self.principal.sub) {
            used.sockets = used.sockets.saturating_sub(1);
            used.subscriptions = used.subscriptions.saturating_sub(self.subscriptions);
            if used.sockets == 0 {
                users.remove(&self.principal.sub);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let seats = Arc::new(Seats::default());
        let ann = || Principal { sub: "ann".into(), ..Principal::local() };
        let mut first = seats.take(ann(), 2).unwrap();
        let second = seats.take(ann(), 2).unwrap();
        assert!(seats.take(ann(), 2).is_none());
        assert!(seats.take(Principal::local(), 2).is_some(), "another user's are their own");
        assert!(first.subscribe(2) && first.subscribe(2) && !first.subscribe(2));
        first.unsubscribe();
        assert!(first.subscribe(2));
        assert!(first.enter("a") && !second.enter("a"));
        assert!(!first.leave("a") && second.leave("a"));
        drop(first);
        let mut third = seats.take(ann(), 2).unwrap();
        assert!(third.subscribe(2) && third.subscribe(2));
        drop((second, third));
        assert!(seats.users().is_empty());
    }
}
