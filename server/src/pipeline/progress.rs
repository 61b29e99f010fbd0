//! What an ask tells while it goes on, for who shows answers as they come.
//!
//! In: the steps of one ask. Out: the same to one listener, or to nobody. Telling waits for
//! nothing and fails nothing.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// News of an ask before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// What the question was taken to mean; its run begins.
    Understood { interpretation: String, assumptions: Vec<String> },
    /// A model is asked for a draft; with corrections, its last one was thrown away. What it
    /// writes is for the planner and told to nobody.
    Asks { model: String, corrections: u32 },
}

/// Where steps are told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Option<UnboundedSender<Step>>);

impl Progress {
    /// Nobody listens.
    pub(crate) fn untold() -> Self {
        Self(None)
    }

    /// To the one that is given back.
    pub(crate) fn told() -> (Self, UnboundedReceiver<Step>) {
        // Bounded by what is told: a few steps.
        let (sender, receiver) = unbounded_channel();
        (Self(Some(sender)), receiver)
    }

    pub(crate) fn tell(&self, step: Step) {
        if let Some(listener) = &self.0 {
            // Who has gone away need not be told.
            let _ = listener.send(step);
        }
    }
}
