//! Whether a message asks AIR, and what.
//!
//! In: a message, its room's rule, and the answers given there before. Out: a [`Request`], or
//! none. A reply to a question back is the first question again with what was answered. Messages
//! are read in their order: none is a reply to what was asked back before an answer that its sender
//! is still owed, since that may ask back itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Post, following};
use crate::auth::Principal;
use crate::contract::types::{self, AskState, Choice, FieldErrorCode, Question};
use crate::id::{ChatMessageId, DatasourceId};
use crate::pipeline::ask::is_of_draft;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{ChatAi, ChatMessage, ChatMessageType, ChatRoom, ChatStanding, StoreError};

const MENTION: &str = "@air";
const YOU_DECIDE: &str = air_engine::ask::YOU_DECIDE;

/// A question as an answer is promised for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) question: String,
    pub(crate) answers: BTreeMap<String, String>,
    pub(crate) follows: Follows,
    /// Whether it is a reply if the last answer to who asks, at its turn, asks back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) may_reply: bool,
    /// The source that its questions back were about; the room's where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource: Option<DatasourceId>,
    /// What `today` and the like refer to; the moment it is answered unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) now: Option<Timestamp>,
    /// Whether to run what is understood; yes unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<bool>,
}

/// Which answer a question may go on from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Follows {
    /// The room's last, if the question is one that goes on.
    Last,
    /// This one.
    Message(ChatMessageId),
    /// None: the question stands alone.
    Nothing,
}

/// What is kept with an answer's message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) answer: types::ChatAnswer,
    pub(crate) request: Request,
}

/// What a message holds beside its text, if it is an answer.
pub(crate) fn meta(message: &ChatMessage) -> Option<Meta> {
    let meta = message.meta.as_ref().filter(|_| message.kind == ChatMessageType::Ai)?;
    Meta::deserialize(meta).ok()
}

/// What a message asks, if it does.
pub(super) async fn request(
    app: &Arc<App>,
    standing: &ChatStanding,
    principal: &Principal,
    message: &Post,
) -> Result<Option<Request>, ApiError> {
    let room = &standing.room;
    let replied = replied_to(app, room, message).await?;
    let mentioned = mentioned(&message.content);
    let answers_given = !message.answers.is_empty();
    if room.ai == ChatAi::Off && message.ask == Some(true) {
        let detail = "AIR answers nothing in this room.";
        return Err(ApiError::field("/ask", FieldErrorCode::Conflict, detail));
    }
    if room.ai == ChatAi::Off || message.ask == Some(false) {
        return if answers_given { Err(unasked()) } else { Ok(None) };
    }
    let asked_here = room.ai == ChatAi::Always || message.ask == Some(true);
    let plain = mentioned.is_none() && replied.is_none() && !answers_given;
    // It is promised an answer in any case, and its turn tells to what.
    let may_reply = plain && asked_here;
    if (mentioned.is_none() || answers_given)
        && !may_reply
        && let Some(request) = reply(app, standing, principal, message, replied.as_ref()).await
    {
        return Ok(Some(request));
    }
    if answers_given {
        return Err(unasked());
    }
    let asks = mentioned.is_some() || asked_here;
    let follows = match replied.filter(|replied| meta(replied).is_some()) {
        Some(replied) => Follows::Message(replied.id),
        None => Follows::Last,
    };
    let question = mentioned.unwrap_or_else(|| message.content.trim().to_owned());
    let (answers, datasource) = (BTreeMap::new(), None);
    let (now, run) = (message.now, message.run);
    let request = Request { question, answers, follows, may_reply, datasource, now, run };
    Ok(asks.then_some(request))
}

/// What a message asks as a reply to questions back, if it is one. Talk that is for AIR only as a
/// reply is none while its sender is owed an answer: nobody knows yet what that asks back.
async fn reply(
    app: &Arc<App>,
    standing: &ChatStanding,
    principal: &Principal,
    message: &Post,
    replied: Option<&ChatMessage>,
) -> Option<Request> {
    let is_talk = replied.is_none() && message.answers.is_empty();
    if is_talk && standing.owed {
        return None;
    }
    let asked_back = asked_back(standing, replied)?;
    let to_air = (replied.is_some(), false);
    let answers = match message.answers.is_empty() {
        true => said(app, principal, &asked_back, &message.content, to_air).await,
        false => message.answers.clone(),
    };
    let is_reply = !answers.is_empty();
    is_reply.then(|| again(asked_back, answers, message.now, message.run))
}

/// A request as its turn finds it, when every answer before it has been given: the questions back
/// of the last one again, where it answers them.
pub(super) async fn at_its_turn(
    app: &Arc<App>,
    room: &ChatRoom,
    principal: &Principal,
    request: Request,
) -> Result<Request, ApiError> {
    if !request.may_reply {
        return Ok(request);
    }
    let request = Request { may_reply: false, ..request };
    let standing = app.store.chat_rooms().standing(&room.id, &principal.sub).await?;
    let Some(asked_back) = asked_back(&standing, None) else {
        return Ok(request);
    };
    let answers = said(app, principal, &asked_back, &request.question, (false, true)).await;
    match answers.is_empty() {
        true => Ok(request),
        false => Ok(again(asked_back, answers, request.now, request.run)),
    }
}

/// Answers that no question was asked for are not taken for anything else.
fn unasked() -> ApiError {
    let detail = "Nothing is asked back here that these could answer; reply to the message that \
                  asks.";
    ApiError::field("/answers", FieldErrorCode::Conflict, detail)
}

async fn replied_to(
    app: &App,
    room: &ChatRoom,
    message: &Post,
) -> Result<Option<ChatMessage>, ApiError> {
    let Some(id) = &message.reply_to else { return Ok(None) };
    match app.store.chat_messages().get(&room.id, id).await {
        Ok(message) => Ok(Some(message)),
        Err(StoreError::NotFound { .. }) => {
            let detail = format!("The room has no message {id}.");
            Err(ApiError::field("/in_reply_to", FieldErrorCode::BadValue, detail))
        }
        Err(error) => Err(error.into()),
    }
}

/// The questions back that a message may answer: those it replies to, or the ones that the last
/// answer to its sender ended in.
fn asked_back(standing: &ChatStanding, replied: Option<&ChatMessage>) -> Option<Meta> {
    let found = match replied {
        Some(replied) => meta(replied),
        None => standing.asked_back.as_ref().and_then(|kept| Meta::deserialize(kept).ok()),
    };
    found.filter(|meta| meta.answer.state == AskState::Clarify)
}

/// The first question again, with what was answered by now.
fn again(
    asked_back: Meta,
    answers: BTreeMap<String, String>,
    now: Option<Timestamp>,
    run: Option<bool>,
) -> Request {
    let mut request = asked_back.request;
    request.answers.extend(answers);
    request.datasource = request.datasource.or(asked_back.answer.datasource_id);
    Request { now: now.or(request.now), run: run.or(request.run), ..request }
}

/// The rest of a message that speaks to AIR.
fn mentioned(content: &str) -> Option<String> {
    let lower = content.to_ascii_lowercase();
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_' || c == '@';
    let (at, _) = lower.match_indices(MENTION).find(|(at, _)| {
        let before = lower[..*at].chars().next_back();
        let after = lower[at + MENTION.len()..].chars().next();
        !before.is_some_and(part_of_word) && !after.is_some_and(part_of_word)
    })?;
    let (before, after) = (&content[..at], &content[at + MENTION.len()..]);
    let after = after.trim_start_matches([',', ':']);
    Some(format!("{} {}", before.trim(), after.trim()).trim().to_owned())
}

/// What a message answers of the questions back. A choice is plainly an answer; words of one's own
/// are one in a reply, and where messages are meant for AIR anyway, unless they are a question
/// themselves: that is a new one, and the questions back stay open.
async fn said(
    app: &Arc<App>,
    principal: &Principal,
    asked_back: &Meta,
    content: &str,
    (reply, asked_here): (bool, bool),
) -> BTreeMap<String, String> {
    let answer = &asked_back.answer;
    let chosen = answers(answer, content, false);
    if !chosen.is_empty() || !(reply || asked_here) {
        return chosen;
    }
    let source = answer.datasource_id.as_ref();
    if !reply && following::is_question(app, principal, source, content).await {
        return BTreeMap::new();
    }
    answers(answer, content, true)
}

/// What a reply answers, by question. Where it is not `named` as a reply, only what is plainly
/// one counts: a choice, not words of one's own.
fn answers(asked_back: &types::ChatAnswer, content: &str, named: bool) -> BTreeMap<String, String> {
    let questions = asked_back.questions.as_deref().unwrap_or_default();
    let lines: Vec<&str> = content.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let parts: Vec<&str> = match (questions.len(), lines.len()) {
        (1, _) => vec![content.trim()],
        (_, 1) => content.split([',', ';']).map(str::trim).collect(),
        _ => lines,
    };
    let mut found = BTreeMap::new();
    let mut next = questions.iter();
    for part in parts {
        let by_name =
            questions.iter().find_map(|question| Some((question, value_of(question, part)?)));
        let (question, part) = match by_name {
            Some((question, value)) => (Some(question), value),
            None => (next.next(), part),
        };
        let Some(question) = question else {
            // There is more in it than answers.
            if named { break } else { return BTreeMap::new() }
        };
        match (choice(question, part), named) {
            (Some(value), _) => found.insert(question.id.clone(), value),
            (None, true) => found.insert(question.id.clone(), part.to_owned()),
            (None, false) => return BTreeMap::new(),
        };
    }
    found
}

/// The value of `id=value` where the id is the question's.
fn value_of<'p>(question: &Question, part: &'p str) -> Option<&'p str> {
    let rest = part.strip_prefix(question.id.as_str())?.trim_start();
    Some(rest.strip_prefix('=')?.trim())
}

/// The choice that a text names: by value, label or number. A number that is a value is not a
/// place.
fn choice(question: &Question, text: &str) -> Option<String> {
    let same = |name: &str| name.eq_ignore_ascii_case(text);
    if same(YOU_DECIDE) || same("you decide") {
        return Some(YOU_DECIDE.to_owned());
    }
    let choices = &question.choices;
    // Values may differ by their case alone.
    let exact = choices.iter().find(|c| c.value == text || c.label == text);
    let by_name = exact.or_else(|| choices.iter().find(|c| same(&c.value) || same(&c.label)));
    let number = text.trim_end_matches(['.', ')']).parse::<usize>().ok();
    let by_number = || number.and_then(|n| choices.get(n.checked_sub(1)?));
    // What is chosen of a model's draft says which one it was: `yes:orders.amount`.
    let kind = |c: &&Choice| c.value.split_once(':').is_some_and(|(kind, _)| same(kind));
    let by_kind = || choices.iter().find(kind).filter(|_| is_of_draft(&question.id));
    by_name.or_else(by_number).or_else(by_kind).map(|choice| choice.value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_is_a_word_of_its_own() {
        for (content, question) in [
            ("@air how many orders", "how many orders"),
            ("@AIR, how many orders?", "how many orders?"),
            ("so @air: how many", "so how many"),
            ("how many, @air", "how many,"),
            ("@air", ""),
        ] {
            assert_eq!(mentioned(content).as_deref(), Some(question), "{content}");
        }
        for content in ["fresh air", "@airport delays", "me@air.example", "@@air", "Ünü@air"] {
            assert_eq!(mentioned(content), None, "{content}");
        }
    }

    fn question(id: &str, values: &[&str]) -> Question {
        let choice =
            |value: &&str| Choice { value: (*value).to_owned(), label: format!("The {value}") };
        Question {
            id: id.to_owned(),
            text: "?".to_owned(),
            choices: values.iter().map(choice).collect(),
            recommended: None,
        }
    }

    fn given(questions: &[Question], content: &str, named: bool) -> Vec<(String, String)> {
        let answer = types::ChatAnswer {
            questions: Some(questions.to_vec()),
            ..super::super::wording::nothing(AskState::Clarify, "ann", "?")
        };
        answers(&answer, content, named).into_iter().collect()
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(id, value)| ((*id).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_reply_names_choices_or_says_its_own_words() {
        let one = [question("measure", &["amount", "count"])];
        for text in ["2", "2.", "count", "COUNT", "the count", " 2 "] {
            assert_eq!(given(&one, text, false), pairs(&[("measure", "count")]), "{text}");
        }
        assert_eq!(given(&one, "you decide", false), pairs(&[("measure", "you_decide")]));
        assert_eq!(given(&one, "measure = count", false), pairs(&[("measure", "count")]));
        assert_eq!(given(&one, "3", false), []);
        assert_eq!(given(&one, "hello everybody", false), []);
        assert_eq!(given(&one, "the net, please", true), pairs(&[("measure", "the net, please")]));
    }

    #[test]
    fn a_number_that_is_a_value_is_no_place() {
        let one = [question("threshold_late", &["3", "1", "2"])];
        assert_eq!(given(&one, "1", false), pairs(&[("threshold_late", "1")]));
        assert_eq!(given(&one, "3.", false), pairs(&[("threshold_late", "2")]), "the third");
        let cases = [question("value_web", &["Web", "web"])];
        assert_eq!(given(&cases, "web", false), pairs(&[("value_web", "web")]));
    }

    #[test]
    fn what_is_chosen_of_a_draft_is_named_by_its_first_word() {
        let one = [question("means_revenue", &["yes:orders.amount", "no"])];
        assert_eq!(given(&one, "Yes", false), pairs(&[("means_revenue", "yes:orders.amount")]));
        let other = [question("period", &["yes:orders.amount", "no"])];
        assert_eq!(given(&other, "yes", false), []);
    }

    #[test]
    fn several_questions_are_answered_in_their_order_or_by_name() {
        let two = [question("measure", &["amount", "count"]), question("year", &["2013", "2014"])];
        let both = pairs(&[("measure", "amount"), ("year", "2014")]);
        for text in ["1\n2", "1, 2", "amount; 2014", "year=2014\nmeasure=1"] {
            assert_eq!(given(&two, text, true), both, "{text}");
        }
        assert_eq!(given(&two, "1", true), pairs(&[("measure", "amount")]), "the other is open");
        assert_eq!(given(&two, "1, 2, how many orders", false), [], "it says more");
    }
}
