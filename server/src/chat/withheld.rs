//! Answers that were given before there were policies on their source.
//!
//! In: a message as it was kept, or as it was told, and who reads it. Out: the same, without what a
//! reader may not see: rows, SQL, figures and the choices of questions, which hold values of the
//! data. No answer is given in a room about a source that has policies, so none of those that are
//! there was given to whom the same would be shown now.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{meta, wording};
use crate::access;
use crate::auth::Principal;
use crate::config::Policy;
use crate::contract::types::ChatAnswer;
use crate::store::{ChatMessage, ChatMessageType};

const WHY: &str = "Policies say by now who sees what of this source, so its rows, SQL and figures \
                   are not shown here any more; ask by yourself.";

/// The text of a message and its answer, as a reader may see them.
pub(crate) fn shown(
    policies: &[Policy],
    reader: &Principal,
    message: &ChatMessage,
) -> (String, Option<ChatAnswer>) {
    let answer = meta(message).map(|meta| meta.answer);
    match answer {
        Some(answer) if is_withheld(policies, reader, &answer) => {
            let (content, answer) = without(answer);
            (content, Some(answer))
        }
        // An answer that cannot be read, of another version of this program, is about any source.
        None if message.kind == ChatMessageType::Ai && is_restricted(policies, reader) => {
            (WHY.to_owned(), None)
        }
        answer => (message.content.clone(), answer),
    }
}

/// An event of a room, as a reader may see it; none where that is as it is.
pub(crate) fn retold(policies: &[Policy], reader: &Principal, text: &[u8]) -> Option<Bytes> {
    if policies.is_empty() {
        return None;
    }
    let mut event: Value = serde_json::from_slice(text).ok()?;
    let kept = event.pointer("/payload/answer").filter(|answer| !answer.is_null())?;
    let (content, answer) = match ChatAnswer::deserialize(kept) {
        Ok(answer) if is_withheld(policies, reader, &answer) => {
            let (content, answer) = without(answer);
            (content, json!(answer))
        }
        Err(_) if is_restricted(policies, reader) => (WHY.to_owned(), Value::Null),
        _ => return None,
    };
    event["payload"]["content"] = json!(content);
    event["payload"]["answer"] = answer;
    serde_json::to_vec(&event).ok().map(Bytes::from)
}

/// Whether policies keep anything of any source from a reader.
fn is_restricted(policies: &[Policy], reader: &Principal) -> bool {
    policies.iter().any(|policy| !access::is_whole(policies, reader, &policy.datasource))
}

fn is_withheld(policies: &[Policy], reader: &Principal, answer: &ChatAnswer) -> bool {
    let named = answer.ir.as_ref().map(|ir| air_ir::Ir::parse(&json!(ir)));
    let others = match named {
        Some(Ok(ir)) => air_engine::sources_of(&ir),
        // What it is about is not known any more.
        Some(Err(_)) => return is_restricted(policies, reader),
        None => Vec::new(),
    };
    let others = others.iter().filter_map(|name| name.parse().ok());
    let asked = answer.sql.iter().flatten().map(|query| query.source.clone());
    let mut sources = answer.datasource_id.iter().cloned().chain(others).chain(asked);
    sources.any(|source| !access::is_whole(policies, reader, &source))
}

fn without(answer: ChatAnswer) -> (String, ChatAnswer) {
    let understood = answer.interpretation.as_deref().unwrap_or_default();
    let content = wording::understood(understood, &answer.assumptions) + WHY + "\n";
    let bare = wording::nothing(answer.state, &answer.asked_by, &answer.question);
    let answer = ChatAnswer {
        assumptions: answer.assumptions,
        datasource_id: answer.datasource_id,
        scope_id: answer.scope_id,
        scope_version_id: answer.scope_version_id,
        interpretation: answer.interpretation,
        badge: answer.badge,
        confidence: answer.confidence,
        run_id: answer.run_id,
        reason: Some(WHY.to_owned()),
        ..bare
    };
    (content, answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;
    use crate::contract::types::{AskState, SourceSql};

    #[test]
    fn what_is_told_again_holds_no_rows_of_a_source_with_policies() {
        let ann = Principal { sub: "ann".to_owned(), role: Role::Viewer, ..Principal::local() };
        let policy = Policy {
            datasource: "shop".parse().unwrap(),
            entity: "orders".to_owned(),
            roles: vec![Role::Admin],
            claim: Default::default(),
            rows: Vec::new(),
            hide: Default::default(),
        };
        let answer = ChatAnswer {
            datasource_id: Some("shop".parse().unwrap()),
            interpretation: Some("The number of orders".to_owned()),
            rows: Some(vec![json!({"n": 4711}).as_object().unwrap().clone()]),
            ..wording::nothing(AskState::Answer, "ann", "how many")
        };
        let told = |answer: &ChatAnswer| {
            json!({"channel": "chat/a", "seq": 7,
                "payload": {"content": "| 4711 |", "answer": answer}})
        };
        let text = told(&answer).to_string();
        let policies = [policy];
        let again = retold(&policies, &ann, text.as_bytes()).unwrap();
        let again: Value = serde_json::from_slice(&again).unwrap();
        assert!(!again.to_string().contains("4711"), "{again}");
        assert_eq!(
            (&again["seq"], &again["payload"]["answer"]["reason"]),
            (&json!(7), &json!(WHY))
        );
        let content = again["payload"]["content"].as_str().unwrap();
        assert!(content.starts_with("The number of orders") && content.contains(WHY), "{content}");
        // Another source, no policies, and what is no answer are told as they were.
        let other = ChatAnswer { datasource_id: Some("other".parse().unwrap()), ..answer.clone() };
        assert_eq!(retold(&policies, &ann, told(&other).to_string().as_bytes()), None);
        assert_eq!(retold(&[], &ann, text.as_bytes()), None);
        // What of it cannot be read is about any source.
        let unknown = text.replace("\"state\"", "\"stand\"");
        let again = retold(&policies, &ann, unknown.as_bytes()).unwrap();
        assert!(!String::from_utf8_lossy(&again).contains("4711"));
        assert_eq!(retold(&[], &ann, unknown.as_bytes()), None);
        let of_sql = ChatAnswer {
            datasource_id: None,
            sql: Some(vec![SourceSql {
                source: "shop".parse().unwrap(),
                dialect: crate::contract::types::Dialect::Postgres,
                sql: "SELECT 4711".to_owned(),
                params: Vec::new(),
                rows: None,
            }]),
            ..answer.clone()
        };
        assert!(retold(&policies, &ann, told(&of_sql).to_string().as_bytes()).is_some());
        assert_eq!(retold(&policies, &ann, br#"{"payload": {"content": "hi"}}"#), None);
    }
}
