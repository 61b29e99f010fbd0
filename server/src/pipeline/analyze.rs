//! An analysis of a run in words: by a model over the rows it was asked about and the checks, or
//! by rules.
//!
//! In: a run that ended, and who is to write. Out: Markdown, kept with the run, and the verdict with
//! what the EDA service finds in its rows, where there is one. A model's text
//! counts only where every figure in it stands in the rows or the checks (`figures`); a text with
//! another is sent back once, then refused, and the text by rules (`rules`) stands. Rows go to a
//! model here and nowhere else, because a person asked for it: few, cut short, marked as data.

mod figures;
mod rules;
mod streaming;

use std::sync::Arc;
use std::time::Instant;

use air_ir::{CheckStatus, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};

use self::figures::Known;
use self::streaming::Telling;
use super::ask::{Drafter, ModelUse, Tried};
use super::findings;
use crate::config::{ModelName, Provider};
use crate::contract::types::{ErrorCode, ResultColumn};
use crate::models::prompts::{ANALYZE, tagged};
use crate::models::{Chat, Fault, Form, Message, Speaker, Task};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{Analysis, NewAnalysis, Run, RunStatus};

/// Characters of a cell that a model is shown.
const CELL: usize = 120;
/// Characters of an analysis.
const MOST_TEXT: usize = 4_000;

/// What an analysis is made of.
pub(super) struct Subject {
    pub(super) question: Option<String>,
    pub(super) columns: Vec<ResultColumn>,
    /// Those of the run's sample, as they are kept.
    pub(super) rows: Vec<Value>,
    pub(super) row_count: u64,
    pub(super) truncated: bool,
    pub(super) verdict: Verdict,
}

/// An analysis as it is kept, and what models did for it.
pub(crate) struct Analyzed {
    pub(crate) analysis: Analysis,
    pub(crate) verdict: Verdict,
    pub(crate) made: ModelUse,
    /// Figures of texts that were refused.
    pub(crate) refused: Vec<String>,
    /// What is missing of it, and why.
    pub(crate) notes: Vec<String>,
}

/// Writes an analysis of a run and keeps it; `asker` hears it as it is written.
pub(crate) async fn analyze(
    app: &Arc<App>,
    run: &Run,
    (asker, drafter): (&str, Drafter),
    deadline: Instant,
) -> Result<Analyzed, ApiError> {
    let mut subject = subject(app, run).await?;
    let looked = findings::of_run(app, run, deadline).await;
    subject.verdict = findings::added(subject.verdict, &looked.findings);
    let mut telling = Telling::new(app, asker, &run.id);
    let written = written(app, &subject, drafter, &mut telling, deadline).await?;
    let verdict = Verdict {
        analysis_md: Some(written.text.clone()),
        model_used: written.made.used.clone(),
        ..subject.verdict
    };
    let new = NewAnalysis {
        model_used: written.made.used.clone(),
        rubric_version: verdict.rubric_version.clone(),
        verdict: json!(verdict),
        analysis_md: Some(written.text),
        model: Some(json!(written.made)),
    };
    let analysis = app.store.analyses().add(&run.id, &new).await?;
    telling.complete(&analysis).await;
    let (made, refused, notes) = (written.made, written.refused, looked.notes);
    Ok(Analyzed { analysis, verdict, made, refused, notes })
}

async fn subject(app: &App, run: &Run) -> Result<Subject, ApiError> {
    let (RunStatus::Completed, Some(verdict)) = (run.status, &run.verdict) else {
        let detail = "Only a run that has completed can be analysed.";
        return Err(ApiError::new(ErrorCode::NotFinished, detail));
    };
    let question = match &run.scope_version_id {
        None => None,
        Some(id) => {
            let version = app.store.scopes().version(id).await?;
            let question = version.answer.as_ref().and_then(|answer| answer["question"].as_str());
            question.map(str::to_owned)
        }
    };
    let columns = run.columns.clone().unwrap_or_default();
    Ok(Subject {
        question,
        columns: Vec::deserialize(columns).map_err(ApiError::internal)?,
        rows: app.store.runs().sample(&run.id).await?,
        row_count: run.row_count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default(),
        truncated: run.truncated.unwrap_or_default(),
        verdict: Verdict::deserialize(verdict).map_err(ApiError::internal)?,
    })
}

struct Written {
    text: String,
    made: ModelUse,
    refused: Vec<String>,
}

async fn written(
    app: &Arc<App>,
    subject: &Subject,
    drafter: Drafter,
    telling: &mut Telling<'_>,
    deadline: Instant,
) -> Result<Written, ApiError> {
    let mut made = ModelUse { prompts: ANALYZE.version(), ..ModelUse::default() };
    let mut refused = Vec::new();
    let order = app.models.order(Task::Chat, drafter.provider, drafter.force_model);
    for name in order.into_iter().filter(|_| drafter.asks_models(app)) {
        let asked = (name, &mut made, &mut refused);
        let (outcome, corrections) = one(app, subject, asked, telling, deadline).await;
        let served = app.models.served(name);
        let told = match &outcome {
            Ok(Some(_)) => "a text whose figures were all found".to_owned(),
            Ok(None) => "a text with figures that were not found".to_owned(),
            Err(fault) => fault.to_string(),
        };
        made.tried.push(Tried { model: served.clone(), outcome: told, corrections });
        if let Ok(Some(text)) = outcome {
            made.used = Some(served);
            return Ok(Written { text, made, refused });
        }
        telling.reset().await;
    }
    let told = made.told();
    if drafter.force_model.is_some() {
        let detail = format!("The model that was asked for wrote no analysis ({told}).");
        return Err(ApiError::new(ErrorCode::ProviderUnavailable, detail));
    }
    let mut text = rules::text(subject);
    if let Some(named) = drafter.provider.filter(|named| *named != Provider::Builtin) {
        let named = named.as_str();
        text += "\n";
        text += &format!("Written by rules: {named}, which was asked for, wrote none ({told}).\n");
    }
    Ok(Written { text, made, refused })
}

/// One model: its text, or none where figures of it were not found, twice.
async fn one(
    app: &Arc<App>,
    subject: &Subject,
    (name, made, refused): (ModelName, &mut ModelUse, &mut Vec<String>),
    telling: &mut Telling<'_>,
    deadline: Instant,
) -> (Result<Option<String>, Fault>, u32) {
    let shown = usize::try_from(app.models.calls().analysis_rows).unwrap_or(usize::MAX);
    let known = Known::of(subject, shown);
    let mut messages = vec![
        Message { speaker: Speaker::System, text: ANALYZE.text.to_owned() },
        Message { speaker: Speaker::User, text: data(subject, shown) },
    ];
    for corrections in 0..=1 {
        let chat = Chat {
            messages: messages.clone(),
            form: Form::Text,
            most_tokens: app.models.calls().max_tokens,
            deadline,
            pieces: None,
        };
        let reply = match telling.reply(name, chat, &known).await {
            Ok(reply) => reply,
            Err(fault) => return (Err(fault), corrections),
        };
        made.usage.add(reply.usage);
        let wrong = match plain(&reply.text) {
            Ok(()) => known.unfound(&reply.text),
            Err(what) => vec![what.to_owned()],
        };
        if wrong.is_empty() {
            telling.whole(&known).await;
            return (Ok(Some(reply.text.trim().to_owned())), corrections);
        }
        let error =
            format!("Not found in <rows> or <checks>: {}. Leave them out.", wrong.join(", "));
        refused.extend(wrong);
        let mut text = String::new();
        tagged(&mut text, "error", &error);
        messages.push(Message { speaker: Speaker::Assistant, text: reply.text });
        messages.push(Message { speaker: Speaker::User, text });
    }
    (Ok(None), 1)
}

/// Links, pictures and HTML have no place in an analysis, and could lead a reader elsewhere.
fn plain(text: &str) -> Result<(), &'static str> {
    let folded = text.to_lowercase();
    let found = |marks: &[&str]| marks.iter().any(|mark| folded.contains(mark));
    if text.chars().count() > MOST_TEXT {
        return Err("a text longer than an analysis");
    }
    if found(&["://", "](", "www.", "mailto:", "javascript:"]) {
        return Err("a link");
    }
    let html = text
        .split('<')
        .skip(1)
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!'));
    if html { Err("HTML") } else { Ok(()) }
}

/// What a model is shown.
fn data(subject: &Subject, shown: usize) -> String {
    let mut text = String::new();
    if let Some(question) = &subject.question {
        tagged(&mut text, "question", question);
    }
    let column = |column: &ResultColumn| json!({"name": column.name, "type": column.r#type, "role": column.role});
    tagged(
        &mut text,
        "columns",
        &json!(subject.columns.iter().map(column).collect::<Vec<_>>()).to_string(),
    );
    let rows: Vec<String> =
        subject.rows.iter().take(shown).map(|row| cut(row).to_string()).collect();
    let of = format!("{} of {} rows", rows.len(), subject.row_count);
    let cut = if subject.truncated { "; the result was cut at its limit" } else { "" };
    tagged(&mut text, "rows", &format!("{of}{cut}\n{}", rows.join("\n")));
    let checks: Vec<String> = subject
        .verdict
        .checks
        .iter()
        .map(|check| format!("{} {}: {}", word(check.status), check.id, check.message))
        .collect();
    tagged(&mut text, "checks", &checks.join("\n"));
    text
}

/// A row with its long texts cut.
fn cut(row: &Value) -> Value {
    match row {
        Value::String(text) if text.chars().count() > CELL => {
            json!(format!("{}…", text.chars().take(CELL).collect::<String>()))
        }
        Value::Object(cells) => {
            cells.iter().map(|(name, cell)| (name.clone(), cut(cell))).collect()
        }
        other => other.clone(),
    }
}

/// A status as people say it.
pub(super) fn word(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Pass => "passed",
        CheckStatus::Warn => "warned",
        CheckStatus::Fail => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_analysis_is_plain_text() {
        for text in ["JFK has 3 < 5 flights.", "**JFK**\n\n- a\n- b", "x <3"] {
            assert_eq!(plain(text), Ok(()), "{text}");
        }
        for text in ["see https://x", "[here](x)", "<b>x</b>", "![](a)", "</rows>", "WWW.x.org"] {
            assert!(plain(text).is_err(), "{text}");
        }
        assert!(plain(&"a".repeat(MOST_TEXT + 1)).is_err());
    }
}
