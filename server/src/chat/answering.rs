//! Giving an answer that was promised.
//!
//! In: the promise. Out: its message, written once, whatever happens: an answer, questions back,
//! or why there is none. Pieces are told while it comes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard};

use super::asks::{self, Follows, Meta, Request};
use super::following;
use super::posting::{Waiting, queued};
use super::streaming::{Part, Stream};
use super::{AIR, wording};
use crate::access;
use crate::auth::Principal;
use crate::contract::types::{AskState, ChatAnswer as Answer, ErrorCode};
use crate::id::{ChatMessageId, DatasourceId};
use crate::pipeline::ask::{self, Asked, Drafter, Ended};
use crate::pipeline::progress::{Progress, Step};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{ChatAnswer, ChatMessageType, ChatRoom, NewChatMessage};

/// How often an answer is begun: each time the process that gave it may have died of it.
const ATTEMPTS: i64 = 3;
/// Between the deadline of a run, which tells best what happened, and that of its answer.
const SLACK: Duration = Duration::from_secs(2);

/// Between looks at what other processes owe the room.
const LOOK: Duration = Duration::from_millis(100);

/// Gives an answer, after those of its room that came before. Who waits hears of it once it is
/// kept.
pub(super) async fn answer(app: &Arc<App>, held: ChatAnswer, waiting: Option<Waiting>) {
    let turn = app.chat.turn(&held.room_id);
    let Some(_turn) = turn_of(app, &turn, &held).await else { return };
    if let Err(error) = Box::pin(give(app, &held, waiting)).await {
        // It is owed still, and so tried again.
        let cause = error.cause.as_ref().map(ToString::to_string);
        tracing::error!(answer.id = %held.id, cause, "an answer could not be kept: {error}");
    }
    app.broker.ai_done(&held.asked_by, held.id.as_str()).await;
}

/// The turn of an answer: no other of its room is given meanwhile, and none is owed to a question
/// before it, whichever process has promised that. None where this process is about to end.
async fn turn_of<'t>(
    app: &App,
    turn: &'t Mutex<()>,
    held: &ChatAnswer,
) -> Option<MutexGuard<'t, ()>> {
    let limit = app.config.chat.ai_response_timeout + SLACK;
    let mut waited: Option<(ChatMessageId, Instant)> = None;
    loop {
        let guard = turn.lock().await;
        if app.running.is_stopped() {
            return None;
        }
        let owed = match app.store.chat_messages().owed_before(held).await {
            Ok(None) => return Some(guard),
            Ok(Some(owed)) => owed,
            Err(error) => {
                // Asked again, as of one that is owed.
                tracing::warn!(answer.id = %held.id, %error, "it is not known what is owed before");
                held.id.clone()
            }
        };
        // Each has as long as an answer may take; one that takes longer holds up no others.
        let since = match waited.take() {
            Some((before, since)) if before == owed => since,
            _ => Instant::now(),
        };
        if since.elapsed() > limit {
            return Some(guard);
        }
        waited = Some((owed, since));
        // It may be this process's own, which came to the lock later.
        drop(guard);
        tokio::time::sleep(LOOK).await;
    }
}

async fn give(app: &Arc<App>, held: &ChatAnswer, waiting: Option<Waiting>) -> Result<(), ApiError> {
    let room = app.store.chat_rooms().get(&held.room_id, &held.asked_by).await?;
    queued(app, &room, &held.asked_by, &held.id, "processing").await;
    let mut stream = Stream::new(app, held);
    if held.attempts > 1 {
        // Pieces of the attempt before may have been told.
        stream.again().await;
    }
    let worked_out = worked_out(app, &room, held, &mut stream).await?;
    let Some((meta, ended)) = worked_out else { return Ok(()) };
    let new = NewChatMessage {
        id: held.id.clone(),
        reply_to: Some(held.question_id.clone()),
        meta: Some(json!(meta)),
        ..NewChatMessage::new(
            held.room_id.clone(),
            ChatMessageType::Ai,
            AIR.to_owned(),
            stream.content().to_owned(),
        )
    };
    if let Some((_, event)) = app.store.chat_messages().answer(held, &new).await? {
        stream.whole(event.payload.clone()).await;
        app.events.announce(event).await;
        if let Some(waiting) = waiting {
            // Who has gone away need not be told.
            let _ = waiting.send(ended);
        }
    }
    Ok(())
}

/// Works an answer out, and tells its pieces. None where this process is to end before it is
/// there: it stays owed, and the next process gives it.
async fn worked_out(
    app: &Arc<App>,
    room: &ChatRoom,
    held: &ChatAnswer,
    stream: &mut Stream<'_>,
) -> Result<Option<(Meta, Result<Ended, ApiError>)>, ApiError> {
    let mut request: Request =
        serde_json::from_value(held.request.clone()).map_err(ApiError::internal)?;
    let failed = |error: &ApiError, request: &Request| {
        wording::failed(error, &held.asked_by, &request.question)
    };
    let (answer, ended) = match unanswerable(app, held, &request) {
        Some(answer) => {
            let reason = answer.reason.clone().unwrap_or_default();
            let code = answer.problem.as_ref().map(|problem| problem.code);
            (answer, Err(ApiError::new(code.unwrap_or(ErrorCode::Unsupported), reason)))
        }
        None => {
            let limit = app.config.chat.ai_response_timeout;
            let work = asked(app, room, held, &mut request, stream, limit);
            let done = tokio::time::timeout(limit + SLACK, Box::pin(work)).await;
            match done.unwrap_or_else(|_| Err(late(limit))) {
                Ok((ended, datasource)) => {
                    let answer = wording::ended(&ended, &held.asked_by, datasource, &request);
                    (answer, Ok(ended))
                }
                Err(error) => (failed(&error, &request), Err(error)),
            }
        }
    };
    if app.running.is_stopped() && was_stopped(&answer) {
        return Ok(None);
    }
    for (part, text) in wording::pieces(&answer) {
        stream.piece(part, &text).await;
    }
    Ok(Some((Meta { answer, request }, ended)))
}

/// Whether the run of an answer was stopped before it ended.
pub(super) fn was_stopped(answer: &Answer) -> bool {
    answer.problem.as_ref().is_some_and(|problem| problem.code == ErrorCode::NotRunning)
}

fn late(limit: Duration) -> ApiError {
    let seconds = limit.as_secs_f64();
    let detail = format!("There was no answer within {seconds} s (chat.ai_response_timeout).");
    ApiError::new(ErrorCode::Timeout, detail)
}

fn unanswerable(app: &App, held: &ChatAnswer, request: &Request) -> Option<Answer> {
    let failed = |detail: &str| {
        let error = ApiError::new(ErrorCode::Unavailable, detail);
        Some(wording::failed(&error, &held.asked_by, &request.question))
    };
    if held.attempts > ATTEMPTS {
        return failed("The server stopped each time it gave this answer; ask another way.");
    }
    if is_outlived(app, held) {
        return failed("This was asked so long ago that you may see other data by now; ask again.");
    }
    if request.question.is_empty() {
        let reason = "Say after @air what you want to know.".to_owned();
        let nothing = wording::nothing(AskState::CannotAnswer, &held.asked_by, "");
        return Some(Answer { reason: Some(reason), ..nothing });
    }
    None
}

/// Whether an answer was owed for longer than a token lasts (`server.auth.token_expiry`). It would
/// be given with the rights of its asking, which nobody may have any more.
fn is_outlived(app: &App, held: &ChatAnswer) -> bool {
    let age = Timestamp::now().duration_since(held.created_at.timestamp());
    Duration::try_from(age).is_ok_and(|age| age > app.config.server.auth.token_expiry)
}

/// Who asked, as they were when they did.
fn principal(held: &ChatAnswer) -> Result<Principal, ApiError> {
    let part = |name: &str| held.principal.get(name).cloned().unwrap_or_default();
    let role = serde_json::from_value(part("role")).map_err(ApiError::internal)?;
    let claims = serde_json::from_value(part("claims")).map_err(ApiError::internal)?;
    Ok(Principal::new(&held.asked_by, role, claims))
}

/// Asks the pipeline.
async fn asked(
    app: &Arc<App>,
    room: &ChatRoom,
    held: &ChatAnswer,
    request: &mut Request,
    stream: &mut Stream<'_>,
    limit: Duration,
) -> Result<(Ended, DatasourceId), ApiError> {
    let deadline = Instant::now() + limit;
    let principal = principal(held)?;
    *request = asks::at_its_turn(app, room, &principal, request.clone()).await?;
    let datasource = match &request.datasource {
        Some(id) => id.clone(),
        None => source(app, room).await?,
    };
    access::require_shared(&app.config.policies, &datasource)?;
    let followed = following::followed(app, room, &principal, &datasource, request).await?;
    let (previous, follows) = match followed {
        Some((previous, id)) => (Some(previous), Follows::Message(id)),
        None => (None, Follows::Nothing),
    };
    request.follows = follows;
    let (progress, steps) = Progress::told();
    let asked = Asked {
        principal,
        question: request.question.clone(),
        datasource: datasource.clone(),
        previous,
        answers: request.answers.clone(),
        drafter: Drafter::default(),
        now: request.now.unwrap_or_else(Timestamp::now),
        run: request.run.unwrap_or(true),
        deadline,
        progress,
    };
    let ended = told(Box::pin(ask::ask(app, asked)), steps, stream).await?;
    Ok((ended, datasource))
}

/// Waits for an ask, and tells its steps as they come.
async fn told(
    ask: impl Future<Output = Result<Ended, ApiError>> + Unpin,
    mut steps: tokio::sync::mpsc::UnboundedReceiver<Step>,
    stream: &mut Stream<'_>,
) -> Result<Ended, ApiError> {
    let mut ask = ask;
    let mut understood = false;
    let ended = loop {
        tokio::select! {
            biased;
            Some(step) = steps.recv() => understood |= step_told(step, stream).await,
            ended = &mut ask => break ended?,
        }
    };
    while let Ok(step) = steps.try_recv() {
        understood |= step_told(step, stream).await;
    }
    if let Some(reading) = ended.reading.as_ref().filter(|_| ended.state == AskState::Answer)
        && !understood
    {
        let text = wording::understood(&reading.interpretation, &reading.assumptions);
        stream.piece(Part::Interpretation, &text).await;
    }
    Ok(ended)
}

/// Tells a step; whether it was what the question was taken to mean.
async fn step_told(step: Step, stream: &mut Stream<'_>) -> bool {
    match step {
        Step::Asks { model, corrections } => {
            stream.piece(Part::Status, &wording::asks(&model, corrections)).await;
            false
        }
        Step::Understood { interpretation, assumptions } => {
            let text = wording::understood(&interpretation, &assumptions);
            stream.piece(Part::Interpretation, &text).await;
            true
        }
    }
}

/// The room's source, or the default one, or the only one.
async fn source(app: &App, room: &ChatRoom) -> Result<DatasourceId, ApiError> {
    if let Some(id) = &room.datasource_id {
        return Ok(id.clone());
    }
    let datasources = app.store.datasources();
    if let Some(default) = datasources.default().await? {
        return Ok(default.id);
    }
    match datasources.all().await?.as_slice() {
        [only] => Ok(only.id.clone()),
        _ => {
            let detail = "No source is the default one; ask in a room that is made with a \
                          datasource_id.";
            Err(ApiError::new(ErrorCode::NotFound, detail))
        }
    }
}
