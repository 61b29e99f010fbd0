//! Golden questions: how often what was understood is what was meant.
//!
//! In: a set of questions with what is right for each ([`Set`]), and who interprets. Out: an
//! outcome for each question, and figures over all. An answer is right where its rows are those of
//! the expected IR, whatever it looks like; asking back and refusing are right only where the set
//! wants them. Absent on purpose: any way for an interpreter to see what is expected.

mod grade;
mod report;
mod set;

use std::sync::Arc;
use std::time::{Duration, Instant};

use air_ir::Ir;
use datafusion::arrow::array::RecordBatch;
use jiff::Timestamp;

use self::set::{Entry, Expected};
use crate::auth::Principal;
use crate::config::ModelName;
use crate::contract::types::LearnRequest;
use crate::id::DatasourceId;
use crate::models::Usage;
use crate::pipeline::ask::{self, Asked, Drafter, Meaning, Understood};
use crate::pipeline::order::Pace;
use crate::pipeline::progress::Progress;
use crate::pipeline::sources::{self, Ready};
use crate::pipeline::{Question, learn};
use crate::problem::ApiError;
use crate::service::App;

pub(crate) use self::grade::{Outcome, Verdict};
pub(crate) use self::report::{Figures, figures, table};
pub(crate) use self::set::{Difficulty, Set, appended};

/// Time for one question. A model may be slow, and nobody waits.
const PATIENCE: Duration = Duration::from_secs(120);

/// One question, asked and judged.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Judged {
    pub(crate) id: String,
    pub(crate) question: String,
    pub(crate) difficulty: Difficulty,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    pub(crate) milliseconds: f64,
    #[serde(flatten)]
    pub(crate) usage: Usage,
    /// The model whose draft counted.
    pub(crate) model: Option<String>,
}

/// Asks every question of a set.
pub(crate) async fn run(
    app: &Arc<App>,
    set: &Set,
    drafter: Drafter,
) -> anyhow::Result<Vec<Judged>> {
    let source = set.source()?;
    let ready = learned(app, &source).await?;
    let mut all = Vec::new();
    for entry in &set.questions {
        let asked = asked(set, entry, &source, drafter)?;
        let begin = Instant::now();
        let meaning = ask::understand(app, &asked, &ready, set.previous(entry)?).await?;
        let milliseconds = begin.elapsed().as_secs_f64() * 1000.0;
        let Meaning { understood, model } = meaning;
        let outcome = judged(app, &asked, &ready, entry, understood).await?;
        all.push(Judged {
            id: entry.id.clone(),
            question: entry.question.clone(),
            difficulty: entry.difficulty,
            outcome,
            milliseconds,
            usage: model.as_ref().map(|made| made.usage).unwrap_or_default(),
            model: model.and_then(|made| made.used),
        });
    }
    Ok(all)
}

async fn learned(app: &Arc<App>, source: &DatasourceId) -> anyhow::Result<Ready> {
    if sources::record(app, source).await.is_err() {
        let wanted = LearnRequest { include_stats: None, sample_values: None };
        let heard: (Pace, learn::Hearing) = (Pace::Request, Arc::new(|_, _| {}));
        learn::learn(app, source, &wanted, Instant::now() + PATIENCE * 5, heard).await?;
    }
    Ok(sources::ready(app, &Principal::local(), source, &[], Pace::Request).await?)
}

fn asked(
    set: &Set,
    entry: &Entry,
    source: &DatasourceId,
    drafter: Drafter,
) -> anyhow::Result<Asked> {
    Ok(Asked {
        principal: Principal::local(),
        question: entry.question.clone(),
        datasource: source.clone(),
        previous: None,
        answers: entry.answers.clone(),
        drafter,
        now: set.now(entry)?,
        run: false,
        deadline: Instant::now() + PATIENCE,
        progress: Progress::untold(),
    })
}

async fn judged(
    app: &Arc<App>,
    asked: &Asked,
    ready: &Ready,
    entry: &Entry,
    understood: Understood,
) -> anyhow::Result<Outcome> {
    let said = match understood {
        Understood::Answer(draft) => Said::Draft(Question::Ir(Box::new(draft.ir))),
        Understood::Sql { text, .. } => Said::Draft(Question::Sql(text)),
        Understood::Clarify { questions, .. } => {
            Said::Asked(questions.into_iter().map(|question| question.text).collect())
        }
        Understood::CannotAnswer { reason, .. } => Said::Cannot(reason),
        Understood::Failed(reason) => Said::Failed(reason),
    };
    let draft = match said {
        Said::Draft(draft) => draft,
        other => return Ok(grade::state(&entry.expected()?, &other)),
    };
    let Expected::Answer { irs, rows } = entry.expected()? else {
        return Ok(grade::made_up(&entry.expected()?, &draft));
    };
    let found = ask::rows(app, asked, ready, draft.clone()).await;
    let Some(found) = found else {
        return Ok(Outcome::wrong(Verdict::Unrunnable, grade::shown(&draft)));
    };
    let mut right = rows.as_ref().is_some_and(|rows| grade::are_rows(&found, rows));
    for ir in &irs {
        right = right || same_as(app, asked, ready, ir, &found, entry.ordered).await?;
    }
    Ok(match right {
        true => Outcome::right(),
        false => Outcome::wrong(Verdict::OtherRows, grade::shown(&draft)),
    })
}

/// What came of a question.
pub(crate) enum Said {
    Draft(Question),
    Asked(Vec<String>),
    Cannot(String),
    Failed(String),
}

/// Whether rows are those of an expected IR. An expected IR that gives none is a fault of the set.
async fn same_as(
    app: &Arc<App>,
    asked: &Asked,
    ready: &Ready,
    ir: &Ir,
    found: &RecordBatch,
    ordered: bool,
) -> anyhow::Result<bool> {
    let question = Question::Ir(Box::new(ir.clone()));
    let wanted = ask::rows(app, asked, ready, question).await;
    let wanted = wanted.ok_or_else(|| {
        anyhow::anyhow!(
            "the IR expected for \"{}\" cannot be run: {}",
            asked.question,
            ir.to_json()
        )
    })?;
    Ok(crate::pipeline::alike::holds(&wanted, found, ordered))
}

/// Who interprets, from the words of the command line.
pub(crate) fn drafter(
    app: &App,
    provider: crate::config::Provider,
    force_model: Option<ModelName>,
) -> Result<Drafter, ApiError> {
    if let Some(model) = force_model
        && let Err(fault) = app.models.usable(model)
    {
        let detail = format!("The model {} cannot be asked: {fault}.", model.as_str());
        return Err(ApiError::new(crate::contract::types::ErrorCode::ProviderUnavailable, detail));
    }
    Ok(Drafter { provider: Some(provider), force_model })
}

/// An instant of a set.
fn instant(text: &str) -> anyhow::Result<Timestamp> {
    text.parse().map_err(|_| anyhow::anyhow!("{text} is no instant"))
}
