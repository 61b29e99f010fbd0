//! The sockets of this process, and the channels they listen to.
//!
//! In: live events, in whatever order and from whichever process they come. Out: each listener of
//! a channel is offered every event of it once and in order. An event whose predecessor was not
//! seen makes the hub read what is between from where the channel is kept, once for all its
//! listeners. Absent on purpose: who may listen, and how a socket writes.

mod topic;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::topic::Topic;
use super::{Channel, Kept, Live};
use crate::broker::Broker;
use crate::store::{Store, StoreError};

/// Events that are read at once.
pub(crate) const PAGE: u32 = 256;
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// What a socket finds in its box.
#[derive(Debug)]
pub(crate) enum Item {
    /// To be sent.
    Text(Bytes),
    /// A channel has gone on by more than a box holds, or who may listen to it has changed, and
    /// the socket listens no longer: if it may, it is to read what is behind this number, and to
    /// join again.
    Behind(Arc<str>, u64),
}

/// Where the hub puts what one socket is to be sent.
#[derive(Debug)]
pub(crate) struct Outbox {
    id: u64,
    sender: mpsc::Sender<Item>,
    slow: CancellationToken,
}

impl Outbox {
    /// A box with room for so many messages, and the end that a socket reads.
    pub(crate) fn new(id: u64, room: usize) -> (Arc<Self>, mpsc::Receiver<Item>) {
        let (sender, receiver) = mpsc::channel(room);
        (Arc::new(Self { id, sender, slow: CancellationToken::new() }), receiver)
    }

    /// Ends when the box was full: what came then was not kept, so the socket has to end.
    pub(crate) fn slow(&self) -> &CancellationToken {
        &self.slow
    }

    fn offer(&self, text: &Bytes) -> bool {
        self.put(Item::Text(text.clone()))
    }

    fn has_room_for(&self, items: usize) -> bool {
        self.sender.capacity() > items
    }

    fn put(&self, item: Item) -> bool {
        match self.sender.try_send(item) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.slow.cancel();
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }
}

pub(crate) struct Hub {
    store: Store,
    broker: OnceLock<Weak<dyn Broker>>,
    topics: Mutex<HashMap<Arc<str>, Arc<Topic>>>,
    tasks: TaskTracker,
}

impl Hub {
    pub(crate) fn new(store: Store) -> Arc<Self> {
        let (broker, topics) = (OnceLock::new(), Mutex::default());
        Arc::new(Self { store, broker, topics, tasks: TaskTracker::new() })
    }

    /// Names the broker that keeps the streams, which itself hands events to this hub.
    pub(crate) fn bind(&self, broker: &Arc<dyn Broker>) {
        let _ = self.broker.set(Arc::downgrade(broker));
    }

    /// Offers an event to who listens here.
    pub(crate) fn deliver(self: &Arc<Self>, live: &Live) {
        if let Some(topic) = self.find(&live.channel)
            && topic.take(live)
        {
            self.heal(topic);
        }
    }

    /// Tells that a channel has come to a number, without the event.
    pub(crate) fn nudge(self: &Arc<Self>, channel: &str, seq: u64) {
        if let Some(topic) = self.find(channel)
            && topic.reach_for(seq)
        {
            self.heal(topic);
        }
    }

    /// The channel as this process follows it, from now on.
    pub(crate) async fn open(
        self: &Arc<Self>,
        channel: &Channel,
    ) -> Result<Arc<Topic>, StoreError> {
        let name: Arc<str> = channel.to_string().into();
        let topic = {
            let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
            let topic = topics
                .entry(name)
                .or_insert_with_key(|name| Arc::new(Topic::new(channel.clone(), Arc::clone(name))));
            Arc::clone(topic)
        };
        // Whatever is announced while the last number is read is noted and read afterwards.
        let opened = topic.opened().get_or_try_init(|| async {
            let last = self.last(channel).await?;
            if topic.begin(last) {
                self.heal(Arc::clone(&topic));
            }
            Ok::<(), StoreError>(())
        });
        opened.await?;
        Ok(topic)
    }

    /// The number from which a client goes on that names `after`: no number that was never given,
    /// or it would wait for the channel to come to it.
    pub(crate) async fn known(&self, topic: &Topic, after: u64) -> Result<u64, StoreError> {
        let last = topic.last();
        if after <= last {
            return Ok(after);
        }
        // Another process may have told more than this one has heard of yet.
        Ok(after.min(self.last(topic.channel()).await?.max(last)))
    }

    /// What a channel keeps behind a number, in order; not all of it at once.
    pub(crate) async fn read(
        &self,
        channel: &Channel,
        after: u64,
    ) -> Result<Vec<Live>, StoreError> {
        Ok(match (channel.kept(), self.broker()) {
            (Kept::Table, _) => {
                let events = self.store.events().after(channel, after, PAGE).await?;
                events.iter().map(super::Event::live).collect()
            }
            (Kept::Stream, Some(broker)) => broker.kept(channel, after).await,
            (Kept::Stream, None) | (Kept::Not, _) => Vec::new(),
        })
    }

    /// Ends what an outbox listens to.
    pub(crate) fn leave(&self, name: &str, outbox: &Outbox) {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = topics.get(name)
            && topic.leave(outbox.id)
            && Arc::strong_count(topic) == 1
        {
            topics.remove(name);
        }
    }

    /// Forgets the channels that nobody listens to.
    pub(crate) fn prune(&self) {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        topics.retain(|_, topic| Arc::strong_count(topic) > 1 || !topic.is_empty());
    }

    /// Looks again where the followed streams have come to, which no table tells.
    pub(crate) async fn catch_up_streams(self: &Arc<Self>) {
        let streams: Vec<_> = {
            let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = topics.values().filter(|topic| topic.channel().kept() == Kept::Stream);
            kept.cloned().collect()
        };
        for topic in streams {
            if let Ok(last) = self.last(topic.channel()).await
                && topic.reach_for(last)
            {
                self.heal(topic);
            }
        }
    }

    /// How many channels are followed.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn broker(&self) -> Option<Arc<dyn Broker>> {
        self.broker.get().and_then(Weak::upgrade)
    }

    fn find(&self, name: &str) -> Option<Arc<Topic>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    async fn last(&self, channel: &Channel) -> Result<u64, StoreError> {
        match (channel.kept(), self.broker()) {
            (Kept::Table, _) => self.store.events().last(channel).await,
            (Kept::Stream, Some(broker)) => Ok(broker.last_kept(channel).await),
            (Kept::Stream, None) | (Kept::Not, _) => Ok(0),
        }
    }

    fn heal(self: &Arc<Self>, topic: Arc<Topic>) {
        let hub = Arc::clone(self);
        self.tasks.spawn(async move {
            for turn in 1..=TRIES {
                match hub.fill(&topic).await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, turn, "events could not be read"),
                }
                tokio::time::sleep(PAUSE * turn).await;
            }
            // The next event of the channel, or the next look at the table, tries again.
            topic.give_up();
        });
    }

    async fn fill(&self, topic: &Topic) -> Result<(), StoreError> {
        loop {
            let page = self.read(topic.channel(), topic.last()).await?;
            if topic.fill(&page) {
                return Ok(());
            }
        }
    }
}
