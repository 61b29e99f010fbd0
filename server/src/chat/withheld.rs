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
use crate::store::ChatMessage;

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
        answer => (message.content.clone(), answer),
    }
}

/// An event of a room, as a reader may see it; none where that is as it is.
pub(crate) fn retold(policies: &[Policy], reader: &Principal, text: &[u8]) -> Option<Bytes> {
    if policies.is_empty() {
        return None;
    }
    let mut event: Value = serde_json::from_slice(text).ok()?;
    let answer = ChatAnswer::deserialize(event.pointer("/payload/answer")?).ok()?;
    if !is_withheld(policies, reader, &answer) {
        return None;
    }
    let (content, answer) = without(answer);
    event["payload"]["content"] = json!(content);
    event["payload"]["answer"] = json!(answer);
    serde_json::to_vec(&event).ok().map(Bytes::from)
}

fn is_withheld(policies: &[Policy], reader: &Principal, answer: &ChatAnswer) -> bool {
    let named = answer.ir.as_ref().and_then(|ir| air_ir::Ir::parse(&json!(ir)).ok());
    let others = named.map(|ir| air_engine::sources_of(&ir)).unwrap_or_default();
    let others = others.iter().filter_map(|name| name.parse().ok());
    let mut sources = answer.datasource_id.iter().cloned().chain(others);
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
    use crate::contract::types::AskState;

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
        let other = ChatAnswer { datasource_id: Some("other".parse().unwrap()), ..answer };
        assert_eq!(retold(&policies, &ann, told(&other).to_string().as_bytes()), None);
        assert_eq!(retold(&[], &ann, text.as_bytes()), None);
        assert_eq!(retold(&policies, &ann, br#"{"payload": {"content": "hi"}}"#), None);
    }
}
