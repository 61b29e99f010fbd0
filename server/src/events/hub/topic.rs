//! One channel as a process follows it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::OnceCell;

use super::{Channel, Item, Live, Outbox, PAGE};

pub(crate) struct Topic {
    channel: Channel,
    name: Arc<str>,
    opened: OnceCell<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether `last` is known.
    ready: bool,
    /// The number of what was offered last.
    last: u64,
    /// A number that is known to be there.
    target: u64,
    /// Whether what is between `last` and `target` is being read.
    healing: bool,
    members: Vec<Member>,
}

/// Who listens, and from behind which number: a client may know more than this process does yet.
struct Member {
    outbox: Arc<Outbox>,
    from: u64,
}

impl State {
    fn offer(&mut self, seq: u64, text: &Bytes) {
        let wants = |member: &Member| seq == 0 || seq > member.from;
        self.members.retain(|member| !wants(member) || member.outbox.offer(text));
    }

    /// Nobody hears what comes next before they were asked again whether they may.
    fn dismiss(&mut self, name: &Arc<str>, at: u64) {
        for Member { outbox, from } in self.members.drain(..) {
            outbox.put(Item::Behind(Arc::clone(name), at.max(from)));
        }
    }
}

impl Topic {
    pub(super) fn new(channel: Channel, name: Arc<str>) -> Self {
        Self { channel, name, opened: OnceCell::new(), state: Mutex::default() }
    }

    pub(crate) fn channel(&self) -> &Channel {
        &self.channel
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The number of what was offered last.
    pub(crate) fn last(&self) -> u64 {
        self.state().last
    }

    /// Listens from behind `at`, or from now on. Where more is known than `at`, nothing is done
    /// and that number is the error: the caller has to read up to it first.
    pub(crate) fn join(&self, at: Option<u64>, outbox: &Arc<Outbox>) -> Result<u64, u64> {
        let mut state = self.state();
        if at.is_some_and(|at| at < state.last) {
            return Err(state.last);
        }
        if !state.members.iter().any(|member| member.outbox.id == outbox.id) {
            let from = at.unwrap_or(state.last);
            state.members.push(Member { outbox: Arc::clone(outbox), from });
        }
        Ok(state.last)
    }

    pub(super) fn opened(&self) -> &OnceCell<()> {
        &self.opened
    }

    /// Sets the number that was read when the channel was opened. True: there is already more.
    pub(super) fn begin(&self, last: u64) -> bool {
        let mut state = self.state();
        state.ready = true;
        state.last = last;
        state.healing = state.target > last;
        state.healing
    }

    /// Offers an event. True: something before it is missing, and is to be read.
    pub(super) fn take(&self, live: &Live) -> bool {
        let mut state = self.state();
        if live.seq == 0 {
            state.offer(0, &live.text);
        } else if state.ready && !state.healing && live.prev == state.last {
            self.tell(&mut state, live);
        } else {
            return wants(&mut state, live.seq);
        }
        false
    }

    /// Offers the next event to everyone who listens.
    fn tell(&self, state: &mut State, live: &Live) {
        state.last = live.seq;
        state.offer(live.seq, &live.text);
        if matches!(self.channel, Channel::Chat(_)) && live.is_of_system() {
            state.dismiss(&self.name, live.seq);
        }
    }

    /// True: what is up to `seq` is to be read.
    pub(super) fn reach_for(&self, seq: u64) -> bool {
        wants(&mut self.state(), seq)
    }

    /// Offers what was read. True: that was all. Whoever has no room for it reads it alone, in
    /// their own time.
    pub(super) fn fill(&self, page: &[Live]) -> bool {
        let mut state = self.state();
        let (at, more) = (state.last, page.len() >= PAGE as usize);
        state.members.retain(|Member { outbox, from }| {
            let stays = page.is_empty() || (!more && outbox.has_room_for(page.len()));
            if !stays {
                outbox.put(Item::Behind(Arc::clone(&self.name), at.max(*from)));
            }
            stays
        });
        if more {
            let reached = page.last().map_or(at, |live| live.seq);
            state.last = reached.max(state.target);
            state.healing = false;
            return true;
        }
        for live in page {
            if live.seq > state.last {
                self.tell(&mut state, live);
            }
        }
        if page.is_empty() {
            // What was announced is not kept any more.
            state.last = state.last.max(state.target);
        }
        state.healing = state.last < state.target;
        !state.healing
    }

    pub(super) fn give_up(&self) {
        self.state().healing = false;
    }

    /// True: nobody is left.
    pub(super) fn leave(&self, outbox: u64) -> bool {
        let mut state = self.state();
        state.members.retain(|member| member.outbox.id != outbox);
        state.members.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state().members.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wants(state: &mut State, seq: u64) -> bool {
    if seq <= state.last {
        return false;
    }
    state.target = state.target.max(seq);
    let begin = state.ready && !state.healing;
    state.healing |= begin;
    begin
}
