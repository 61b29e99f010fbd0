//! A question, to one of four states: clarify, answer, cannot answer, failed.
//!
//! In: the question, what it follows, and answers to questions back. Out: the state with all that
//! goes with it; the scope is stored whatever the state. The built-in interpreter is the engine's
//! and reads every question; where models are asked too (`drafting`), what is meant is decided
//! between the two (`deciding`). What was understood is planned and run.

mod answering;
mod clock;
mod comparing;
mod deciding;
mod dictionaries;
mod drafting;
mod kept;
mod naming;
mod notes;
mod previous;
mod prompting;
mod prose;
mod reply;
mod scope;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use air_engine::ask::{self, Clarification, Draft, Interpretation};
use air_ir::Ir;
use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::Instrument;

use super::order::Pace;
use super::progress::Progress;
use super::sources::{self, Ready};
use super::{Finished, Question};
use crate::allowance;
use crate::auth::Principal;
use crate::broker::Allowance;
use crate::config::{ModelName, Provider};
use crate::contract::types::{self, AskState, Badge, ErrorCode};
use crate::id::{DatasourceId, ScopeVersionId};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{Scope, ScopeVersion};

pub(crate) use self::comparing::rows;
pub(crate) use self::deciding::is_of_draft;
pub(crate) use self::dictionaries::Dictionaries;
pub(crate) use self::drafting::{ModelUse, Tried};
pub(crate) use self::scope::{items, name};

/// A question, and for whom.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) principal: Principal,
    pub(crate) question: String,
    pub(crate) datasource: DatasourceId,
    pub(crate) previous: Option<Previous>,
    pub(crate) answers: BTreeMap<String, String>,
    pub(crate) drafter: Drafter,
    pub(crate) now: Timestamp,
    pub(crate) run: bool,
    pub(crate) deadline: Instant,
    /// Who is told how far it is.
    pub(crate) progress: Progress,
}

/// Who drafts, where the request says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Drafter {
    pub(crate) provider: Option<Provider>,
    pub(crate) force_model: Option<ModelName>,
}

impl Drafter {
    /// Whether models are asked: the request decides, then the configuration.
    pub(crate) fn asks_models(self, app: &App) -> bool {
        let configured = app.config.models.provider;
        self.force_model.is_some() || self.provider.unwrap_or(configured) != Provider::Builtin
    }

    /// The provider that the request names, which alone may be shown anything.
    pub(crate) fn named(self) -> Option<Provider> {
        self.provider.or(self.force_model.map(ModelName::provider))
    }

    /// One of the user's questions to models, where models are asked.
    pub(crate) async fn allowed(self, app: &App, user: &str) -> Result<(), ApiError> {
        match self.asks_models(app) {
            true => allowance::take(app, user, Allowance::AiRequests).await,
            false => Ok(()),
        }
    }
}

/// What a question means.
#[derive(Debug, Clone)]
pub(crate) enum Understood {
    Clarify {
        questions: Vec<Clarification>,
        draft: Option<Draft>,
    },
    Answer(Draft),
    /// A query that a model wrote, read against the catalog like any IR.
    Sql {
        text: String,
        confidence: f64,
        interpretation: String,
        assumptions: Vec<String>,
    },
    CannotAnswer {
        reason: String,
        missing: Vec<String>,
    },
    Failed(String),
}

/// What a question means, and what models did to find it out.
#[derive(Debug, Clone)]
pub(crate) struct Meaning {
    pub(crate) understood: Understood,
    /// None where no model was to be asked.
    pub(crate) model: Option<ModelUse>,
}

/// What a follow-up question changes.
#[derive(Clone)]
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
    /// What was understood, where it is a query and no IR.
    pub(crate) sql_text: Option<String>,
    pub(crate) reading: Option<Reading>,
    pub(crate) badge: Option<Badge>,
    pub(crate) questions: Vec<Clarification>,
    pub(crate) tables: Vec<String>,
    pub(crate) reason: Option<String>,
    pub(crate) missing: Vec<String>,
    pub(crate) error: Option<ApiError>,
    pub(crate) finished: Option<Finished>,
    pub(crate) model: Option<ModelUse>,
}

/// How a question was read, IR or not.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) confidence: f64,
    pub(crate) interpretation: String,
    pub(crate) assumptions: Vec<String>,
}

impl From<&Draft> for Reading {
    fn from(draft: &Draft) -> Self {
        Self {
            confidence: draft.confidence,
            interpretation: draft.interpretation.clone(),
            assumptions: draft.assumptions.clone(),
        }
    }
}

/// Interprets a question, and runs what was understood where that is wanted.
pub(crate) async fn ask(app: &Arc<App>, asked: Asked) -> Result<Ended, ApiError> {
    let ready =
        sources::ready(app, &asked.principal, &asked.datasource, &[], Pace::Request).await?;
    let (follows, previous) = previous::previous(app, &asked).await?;
    let span = tracing::info_span!(
        "stage",
        otel.name = "interpret",
        stage = "interpret",
        source.id = %asked.datasource
    );
    let understood = understand(app, &asked, &ready, previous).instrument(span).await?;
    let Meaning { understood, model } = understood;
    let scope_md = scope::scope_md(&asked.question, &understood);
    let (scope, version) =
        scope::store(app, &asked, follows, scope_md, &understood, &model).await?;
    let ended = |state| Ended {
        state,
        scope,
        version,
        draft: None,
        sql_text: None,
        reading: None,
        badge: None,
        questions: Vec::new(),
        tables: Vec::new(),
        reason: None,
        missing: Vec::new(),
        error: None,
        finished: None,
        model,
    };
    match understood {
        Understood::Clarify { questions, draft } => {
            let reading = draft.as_ref().map(Reading::from);
            Ok(Ended { draft, reading, questions, ..ended(AskState::Clarify) })
        }
        Understood::CannotAnswer { reason, missing } => {
            Ok(Ended { reason: Some(reason), missing, ..ended(AskState::CannotAnswer) })
        }
        Understood::Failed(reason) => {
            let error = ApiError::new(ErrorCode::ProviderUnavailable, reason.clone());
            let ended = ended(AskState::Failed);
            Ok(Ended { reason: Some(reason), error: Some(error), ..ended })
        }
        Understood::Answer(draft) => {
            let question = Question::Ir(Box::new(draft.ir.clone()));
            let (tables, reading) = (entities(&draft.ir), Some(Reading::from(&draft)));
            let ended = Ended { tables, reading, draft: Some(draft), ..ended(AskState::Answer) };
            Box::pin(answering::answered(app, &asked, question, ended)).await
        }
        Understood::Sql { text, confidence, interpretation, assumptions } => {
            let reading = Some(Reading { confidence, interpretation, assumptions });
            let sql_text = Some(text.clone());
            let ended = Ended { reading, sql_text, ..ended(AskState::Answer) };
            Box::pin(answering::answered(app, &asked, Question::Sql(text), ended)).await
        }
    }
}

/// What a question means: the built-in interpreter's reading, beside that of models where they
/// are asked.
pub(crate) async fn understand(
    app: &Arc<App>,
    asked: &Asked,
    ready: &Ready,
    previous: Option<Ir>,
) -> Result<Meaning, ApiError> {
    let catalog = dictionaries::catalog(app, asked, ready).await;
    let (builtin, beyond) = interpret(app, asked, Arc::clone(&catalog), previous.clone()).await?;
    if beyond || !asked.drafter.asks_models(app) {
        return Ok(Meaning { understood: builtin.into(), model: None });
    }
    let drafting = drafting::draft(app, asked, ready, previous.as_ref()).await;
    deciding::decide(app, asked, (ready, &catalog), builtin, drafting).await
}

/// The engine's interpreter, which is without IO and so gets a thread of its own; and whether the
/// question is beyond any report.
async fn interpret(
    app: &Arc<App>,
    asked: &Asked,
    catalog: Arc<air_ir::Catalog>,
    previous: Option<Ir>,
) -> Result<(Interpretation, bool), ApiError> {
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
        let lexicon = sources::lexicon(&app, &id, &catalog);
        let beyond = ask::beyond(&lexicon, &question).is_some();
        (ask::interpret_with(&lexicon, &question), beyond)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(ApiError::internal)
}

/// A question back in the contract's form.
pub(crate) fn question(asked: Clarification) -> types::Question {
    types::Question {
        id: asked.id,
        text: asked.text,
        choices: asked
            .choices
            .into_iter()
            .map(|choice| types::Choice { value: choice.value, label: choice.label })
            .collect(),
        recommended: Some(asked.recommended),
    }
}

fn entities(ir: &Ir) -> Vec<String> {
    ir.entities.iter().map(|entity| entity.name().to_owned()).collect()
}
