//! Values that are there for a while, in the order they came.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Beyond this many, what has ended is cleared at the next write.
const ROOMY: usize = 64;

pub(super) struct Expiring<K, V> {
    values: HashMap<K, Value<V>>,
    next: u64,
    clear_at: usize,
}

struct Value<V> {
    place: u64,
    ends: Instant,
    value: V,
}

impl<K, V> Default for Expiring<K, V> {
    fn default() -> Self {
        Self { values: HashMap::new(), next: 0, clear_at: ROOMY }
    }
}

impl<K: Eq + Hash, V> Expiring<K, V> {
    /// Sets a value; one that is there keeps its place.
    pub(super) fn set(&mut self, key: K, value: V, lifetime: Duration) {
        let now = Instant::now();
        if self.values.len() >= self.clear_at {
            self.values.retain(|_, value| value.ends > now);
            self.clear_at = ROOMY.max(self.values.len() * 2);
        }
        let next = self.next;
        self.next += 1;
        let ends = now + lifetime;
        let old = self.values.get(&key).filter(|old| old.ends > now);
        let place = old.map_or(next, |old| old.place);
        self.values.insert(key, Value { place, ends, value });
    }

    pub(super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.values.get(key).filter(|value| value.ends > Instant::now()).map(|value| &value.value)
    }

    /// The value, and how long it is there still.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<(&mut V, Duration)> {
        let now = Instant::now();
        let value = self.values.get_mut(key).filter(|value| value.ends > now)?;
        Some((&mut value.value, value.ends - now))
    }

    pub(super) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.values.remove(key);
    }

    /// What is there, oldest first.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        let now = Instant::now();
        let mut live: Vec<&Value<V>> =
            self.values.values().filter(|value| value.ends > now).collect();
        live.sort_unstable_by_key(|value| value.place);
        live.into_iter().map(|value| &value.value)
    }
}
