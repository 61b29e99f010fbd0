//! What is kept of a question: a scope that people read and edit.
//!
//! In: the question and what was understood of it. Out: its Markdown, stored as a version of a new
//! scope or of the one that it follows.

use air_engine::ask;
use serde_json::json;

use super::{Asked, ModelUse, Understood};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{NewScope, NewScopeVersion, Scope, ScopeVersion};

/// A scope's name is its question, as far as a list shows it.
const NAME_CHARACTERS: usize = 200;

pub(super) fn scope_md(question: &str, understood: &Understood) -> String {
    let open = |lines: &[String]| {
        let lines: Vec<String> = lines.iter().map(|line| format!("- {line}\n")).collect();
        format!("# Question\n\n{question}\n\n# Open questions\n\n{}", lines.concat())
    };
    match understood {
        Understood::Answer(draft) => ask::scope::render(question, draft, &[]),
        Understood::Clarify { questions, draft: Some(draft) } => {
            ask::scope::render(question, draft, questions)
        }
        Understood::Clarify { questions, .. } => {
            open(&questions.iter().map(|q| q.text.clone()).collect::<Vec<_>>())
        }
        Understood::CannotAnswer { reason, .. } | Understood::Failed(reason) => {
            open(std::slice::from_ref(reason))
        }
        // It has no IR, so nothing of it is read back.
        Understood::Sql { interpretation, assumptions, .. } => {
            let said: Vec<String> = assumptions.iter().map(|a| format!("- {a}\n")).collect();
            format!(
                "# Question\n\n{question}\n\n# Assumptions\n\n- {interpretation}\n{}",
                said.concat()
            )
        }
    }
}

pub(super) async fn store(
    app: &App,
    asked: &Asked,
    follows: Option<Scope>,
    scope_md: String,
    understood: &Understood,
    model: &Option<ModelUse>,
) -> Result<(Scope, ScopeVersion), ApiError> {
    let ir = match understood {
        Understood::Answer(draft) => Some(draft.ir.to_json()),
        _ => None,
    };
    let mut answer = json!({"question": asked.question});
    if let Some(model) = model {
        answer["model"] = json!(model);
    }
    if let Understood::Sql { text, .. } = understood {
        answer["sql"] = json!(text);
    }
    let version = NewScopeVersion {
        scope_md,
        ir,
        answer: Some(answer),
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
