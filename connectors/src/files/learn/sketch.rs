//! How many distinct values a column has, in little memory.
//!
//! The k smallest hashes of the values: exact below k, else an estimate with a standard error of
//! about 1/√k (Bar-Yossef and others, "Counting distinct elements in a data stream", 2002).

use std::collections::BTreeSet;

const K: usize = 4096;

#[derive(Debug)]
pub(super) struct Sketch {
    smallest: BTreeSet<u64>,
    /// Hashes from here on change nothing; kept apart because nearly every value is compared.
    bound: u64,
}

impl Default for Sketch {
    fn default() -> Self {
        Self { smallest: BTreeSet::new(), bound: u64::MAX }
    }
}

impl Sketch {
    pub(super) fn add(&mut self, hash: u64) {
        if hash >= self.bound || !self.smallest.insert(hash) {
            return;
        }
        if self.smallest.len() > K {
            self.smallest.pop_last();
        }
        if self.smallest.len() == K {
            self.bound = self.smallest.last().copied().unwrap_or(u64::MAX);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        other.smallest.into_iter().for_each(|hash| self.add(hash));
    }

    pub(super) fn distinct(&self) -> u64 {
        let count = self.smallest.len();
        match self.smallest.last() {
            Some(largest) if count == K => {
                // The share of the hash space that the k smallest take up.
                let share = (*largest as f64) / (u64::MAX as f64);
                ((K - 1) as f64 / share).round() as u64
            }
            _ => count as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_when_few_and_near_when_many() {
        // An odd multiplier walks through all 64-bit values without repeating.
        let of = |n: u64| {
            let mut sketch = Sketch::default();
            (1..=n).for_each(|i| sketch.add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            sketch.distinct()
        };
        assert_eq!(of(4000), 4000);
        let near = of(1_000_000) as f64 / 1_000_000.0;
        assert!((0.9..1.1).contains(&near), "{near}");
    }
}
