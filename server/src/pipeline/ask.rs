//! A question, to one of four states: clarify, answer, cannot answer, failed.
//!
//! In: the question, what it follows, and answers to questions back. Out: the state with all that
//! goes with it; the scope is stored whatever the state. The interpreter is the engine's; here it
//! gets its catalog, and what it understood is planned and run. Absent on purpose: models.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use air_engine::ask::{self, Clarification, Draft, Interpretation};
use air_ir::{Bindings, CheckStatus, Ir};
use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::Instrument;

use super::{Finished, Order, Question, sources};
use crate::auth::Principal;
use crate::contract::types::{AskState, Badge};
use crate::id::{DatasourceId, ScopeVersionId};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{NewScope, NewScopeVersion, Scope, ScopeVersion, checksum};

/// A scope's name is its question, as far as a list shows it.
const NAME_CHARACTERS: usize = 200;

/// A question, and for whom.
pub(crate) struct Asked {
    pub(crate) principal: Principal,
    pub(crate) question: String,
    pub(crate) datasource: DatasourceId,
    pub(crate) previous: Option<Previous>,
    pub(crate) answers: BTreeMap<String, String>,
    pub(crate) now: Timestamp,
    pub(crate) run: bool,
    pub(crate) deadline: Instant,
}

/// What a follow-up question changes.
pub(crate) enum Previous {
    Version(ScopeVersionId),
    Ir(Box<Ir>),
}

/// How an ask ended.
pub(crate) struct Ended {
    pub(crate) state: AskState,
    pub(crate) scope: Scope,
    pub(crate) version: ScopeVersion,
    pub(crate) draft: Option<Draft>,
    pub(crate) badge: Option<Badge>,
    pub(crate) questions: Vec<Clarification>,
    pub(crate) tables: Vec<String>,
    pub(crate) reason: Option<String>,
    pub(crate) missing: Vec<String>,
    pub(crate) error: Option<ApiError>,
    pub(crate) finished: Option<Finished>,
}

/// Interprets a question, and runs what was understood where that is wanted.
pub(crate) async fn ask(app: &Arc<App>, asked: Asked) -> Result<Ended, ApiError> {
    let ready = sources::ready(app, &asked.datasource, &[]).await?;
    let (follows, previous) = previous(app, &asked).await?;
    let catalog = Arc::clone(ready.prepared.catalog());
    let span = tracing::info_span!(
        "stage",
        otel.name = "interpret",
        stage = "interpret",
        source.id = %asked.datasource
    );
    let interpretation = interpret(app, &asked, catalog, previous).instrument(span).await?;
    let scope_md = scope_md(&asked.question, &interpretation);
    let (scope, version) = store(app, &asked, follows, scope_md, &interpretation).await?;
    let ended = |state| Ended {
        state,
        scope,
        version,
        draft: None,
        badge: None,
        questions: Vec::new(),
        tables: Vec::new(),
        reason: None,
        missing: Vec::new(),
        error: None,
        finished: None,
    };
    match interpretation {
        Interpretation::Clarify { questions, draft } => {
            Ok(Ended { draft, questions, ..ended(AskState::Clarify) })
        }
        Interpretation::CannotAnswer { reason, missing } => {
            Ok(Ended { reason: Some(reason), missing, ..ended(AskState::CannotAnswer) })
        }
        Interpretation::Answer(draft) => {
            Box::pin(answered(app, &asked, draft, ended(AskState::Answer))).await
        }
    }
}

/// The IR a follow-up changes, and the scope it belongs to.
async fn previous(app: &App, asked: &Asked) -> Result<(Option<Scope>, Option<Ir>), ApiError> {
    let id = match &asked.previous {
        None => return Ok((None, None)),
        Some(Previous::Ir(ir)) => return Ok((None, Some((**ir).clone()))),
        Some(Previous::Version(id)) => id,
    };
    let version = app.store.scopes().version(id).await?;
    let scope = app.store.scopes().get(&version.scope_id).await?;
    if !asked.principal.owns_or_admin(&scope.owner) {
        return Err(ApiError::not_found("scope version", id));
    }
    let ir = match &version.ir {
        Some(ir) => Some(Ir::parse(ir).map_err(|e| ApiError::ir("/previous", e))?),
        None => None,
    };
    Ok((Some(scope), ir))
}

/// The engine's interpreter, which is without IO and so gets a thread of its own.
async fn interpret(
    app: &Arc<App>,
    asked: &Asked,
    catalog: Arc<air_ir::Catalog>,
    previous: Option<Ir>,
) -> Result<Interpretation, ApiError> {
    let (text, now) = (asked.question.clone(), asked.now);
    let (app, id) = (Arc::clone(app), asked.datasource.clone());
    let answers: BTreeMap<String, Value> =
        asked.answers.iter().map(|(id, answer)| (id.clone(), json!(answer))).collect();
    let work = move || {
        let question = ask::Question {
            text: &text,
            catalog: &catalog,
            now,
            previous: previous.as_ref(),
            answers: &answers,
        };
        ask::interpret_with(&sources::lexicon(&app, &id, &catalog), &question)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(ApiError::internal)
}

fn scope_md(question: &str, interpretation: &Interpretation) -> String {
    match interpretation {
        Interpretation::Answer(draft) => ask::scope::render(question, draft, &[]),
        Interpretation::Clarify { questions, draft: Some(draft) } => {
            ask::scope::render(question, draft, questions)
        }
        Interpretation::Clarify { questions, .. } => {
            let open: Vec<String> = questions.iter().map(|q| format!("- {}\n", q.text)).collect();
            format!("# Question\n\n{question}\n\n# Open questions\n\n{}", open.concat())
        }
        Interpretation::CannotAnswer { reason, .. } => {
            format!("# Question\n\n{question}\n\n# Open questions\n\n- {reason}\n")
        }
    }
}

async fn store(
    app: &App,
    asked: &Asked,
    follows: Option<Scope>,
    scope_md: String,
    interpretation: &Interpretation,
) -> Result<(Scope, ScopeVersion), ApiError> {
    let ir = match interpretation {
        Interpretation::Answer(draft) => Some(draft.ir.to_json()),
        _ => None,
    };
    let version = NewScopeVersion {
        scope_md,
        ir,
        answer: Some(json!({"question": asked.question})),
        created_by: asked.principal.sub.clone(),
    };
    let scopes = app.store.scopes();
    if let Some(scope) = follows {
        let version = scopes.add_version(&scope.id, &version, None).await?;
        return Ok((scopes.get(&scope.id).await?, version));
    }
    let new = NewScope {
        name: name(&asked.question),
        owner: asked.principal.sub.clone(),
        datasource_id: Some(asked.datasource.clone()),
        first: version,
    };
    Ok(scopes.create(new).await?)
}

/// A question as a name.
pub(crate) fn name(question: &str) -> String {
    let words: Vec<&str> = question.split_whitespace().collect();
    words.join(" ").chars().take(NAME_CHARACTERS).collect()
}

async fn answered(
    app: &Arc<App>,
    asked: &Asked,
    draft: Draft,
    ended: Ended,
) -> Result<Ended, ApiError> {
    let order = Order {
        owner: asked.principal.sub.clone(),
        datasource: asked.datasource.clone(),
        question: Question::Ir(Box::new(draft.ir.clone())),
        ir_at: "/ir",
        bindings: Bindings::default(),
        params: serde_json::Map::new(),
        report: None,
        scope_version: Some(ended.version.id.clone()),
        now: asked.now,
        deadline: asked.deadline,
    };
    let ended = Ended { tables: entities(&draft.ir), draft: Some(draft), ..ended };
    if !asked.run {
        let badge = badge(app, asked, &ended, false).await?;
        return Ok(Ended { badge: Some(badge), ..ended });
    }
    match super::report(app, order).await {
        Ok(finished) => {
            let passed = finished.verdict.status != CheckStatus::Fail;
            Ok(Ended {
                badge: Some(badge(app, asked, &ended, passed).await?),
                tables: finished.tables.clone(),
                finished: Some(finished),
                ..ended
            })
        }
        Err(error) => Ok(Ended {
            state: AskState::Failed,
            reason: Some(error.detail.clone()),
            error: Some(error),
            ..ended
        }),
    }
}

fn entities(ir: &Ir) -> Vec<String> {
    ir.entities.iter().map(|entity| entity.name().to_owned()).collect()
}

/// How far an answer was checked.
async fn badge(app: &App, asked: &Asked, ended: &Ended, passed: bool) -> Result<Badge, ApiError> {
    let ir = ended.draft.as_ref().map(|draft| draft.ir.to_json());
    let hash = ir.as_ref().map(checksum).unwrap_or_default();
    let name = name(&asked.question);
    let scopes = app.store.scopes();
    Ok(match scopes.is_confirmed(&asked.datasource, &name, &hash).await? {
        true => Badge::Verified,
        false if passed => Badge::Validated,
        false => Badge::Unchecked,
    })
}

/// The items of a scope's sections with these headings.
pub(crate) fn items(scope_md: &str, headings: &[&str]) -> Vec<String> {
    let mut inside = false;
    let mut items = Vec::new();
    for line in scope_md.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            let heading = heading.trim_start_matches('#').trim();
            inside = headings.iter().any(|wanted| wanted.eq_ignore_ascii_case(heading));
        } else if let Some(item) = line.trim_start().strip_prefix("- ").filter(|_| inside) {
            items.push(item.trim().to_owned());
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_those_of_their_sections() {
        let md = "# Question\n\n- no\n\n## Filters\n\n- origin is JFK\n\n# Period\n- 2013\n# Data\n- x\n";
        assert_eq!(items(md, &["Filters", "Period"]), ["origin is JFK", "2013"]);
    }
}
