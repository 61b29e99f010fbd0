//! Drafts of earlier asks, kept by all that a draft depends on.
//!
//! In: a question and a model. Out: the draft that the model gave for it before, where that may be
//! given again, planned and guarded anew.

use air_ir::Ir;
use serde_json::json;

use super::clock;
use super::deciding::chose;
use super::drafting::{Candidate, Drafter, Outcome};
use super::prompting::local;
use crate::models::{Task, prompts};
use crate::store::checksum;

impl Drafter<'_> {
    /// What a draft depends on.
    pub(super) fn key(&self, task: Task, served: &str) -> String {
        let catalog = self.ready.prepared.catalog();
        let zone = catalog.time_zone.as_deref().unwrap_or("UTC");
        checksum(&json!({
            "task": format!("{task:?}"), "model": served, "prompts": *prompts::DRAFTS,
            "source": catalog.source, "catalog": catalog.version,
            "question": self.asked.question, "day": &local(self.asked.now, zone)[..10],
            "answers": self.answers(),
            "previous": self.previous.map(Ir::to_json),
        }))
    }

    /// The draft of an earlier ask. The catalog may show this user less than it showed another,
    /// so it is planned again. A time of day in it may be that of the earlier ask, so only who
    /// was shown that very draft, and chose it, is given it.
    pub(super) async fn kept(&self, key: &str) -> Option<Candidate> {
        let text = self.app.store.model_drafts().get(key).await.ok()??;
        match self.checked(&text) {
            Ok(Outcome::Draft(candidate)) => {
                let timeless = !clock::names_time(&text);
                (timeless || chose(self.asked, &candidate.mark())).then_some(candidate)
            }
            _ => None,
        }
    }

    pub(super) async fn keep(&self, key: &str, served: &str, candidate: &Candidate) {
        let text = match candidate {
            Candidate::Ir { ir, terms } => json!({"ir": ir.to_json(), "terms": terms}).to_string(),
            Candidate::Sql(text) => text.clone(),
        };
        if let Err(error) = self.app.store.model_drafts().put(key, served, &text).await {
            // The answer does not depend on it.
            tracing::warn!(cause = %error, "a draft could not be kept");
        }
    }
}
