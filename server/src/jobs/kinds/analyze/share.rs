//! Which part of the whole a piece of the work is.

/// From one percentage to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    from: usize,
    to: usize,
}

impl Share {
    pub(super) const WHOLE: Self = Self { from: 0, to: 100 };

    /// One of equal pieces, counted from 0.
    pub(super) fn piece(self, at: usize, all: usize) -> Self {
        Self { from: self.point(at, all), to: self.point(at + 1, all) }
    }

    /// What is left of it after a share in percent.
    pub(super) fn after(self, percent: usize) -> Self {
        Self { from: self.point(percent, 100), to: self.to }
    }

    /// The percentage when so many of all its steps are done.
    pub(super) fn at(self, done: usize, all: usize) -> u8 {
        u8::try_from(self.point(done, all)).unwrap_or(100)
    }

    fn point(self, done: usize, all: usize) -> usize {
        self.from + (self.to - self.from) * done.min(all) / all.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_one_another() {
        let second = Share::WHOLE.piece(1, 4);
        assert_eq!((second.at(0, 5), second.at(5, 5)), (25, 50));
        assert_eq!(second.after(20).at(0, 1), 30);
        assert_eq!(second.at(2, 5), 35);
        assert_eq!(Share::WHOLE.piece(0, 0).at(9, 0), 0);
        let ends: Vec<u8> = (0..7).map(|at| Share::WHOLE.piece(at, 7).at(1, 1)).collect();
        assert!(ends.is_sorted() && ends[6] == 100, "{ends:?}");
    }
}
