//! Whether two drafts of a question mean the same, by what they read.
//!
//! In: the interpreter's reading and a model's draft. Out: whether they are one. Their rows are
//! read as those of any run are, within the limits of the user and of the databases, at one place
//! for both; nobody is shown them. Rows that say nothing are no proof.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use air_engine::{Answer, ask};
use air_ir::Ir;
use datafusion::arrow::array::RecordBatch;

use super::Asked;
use super::drafting::{self, Candidate};
use crate::pipeline::sources::Ready;
use crate::pipeline::{self, Clock, Question, alike, cost, engine, running};
use crate::problem::ApiError;
use crate::service::App;

/// More rows are not compared.
const MOST_ROWS: usize = 10_000;

/// Whether two drafts give the same rows: by their form, else by the rows themselves. Where the
/// rows cannot be had, or say nothing, they are taken to differ.
///
/// # Errors
/// Where the user has no place for another run, or it was stopped.
pub(super) async fn same(
    app: &Arc<App>,
    asked: &Asked,
    ready: &Ready,
    builtin: &Ir,
    candidate: &Candidate,
) -> Result<bool, ApiError> {
    let other = match candidate {
        Candidate::Ir { ir, .. } if **ir == *builtin => return Ok(true),
        Candidate::Ir { ir, .. } => Question::Ir(ir.clone()),
        Candidate::Sql(text) => Question::Sql(text.clone()),
    };
    let own = Question::Ir(Box::new(builtin.clone()));
    let slot = app.running.place(&asked.principal.sub, None).await?;
    let both = async { tokio::join!(read(app, asked, ready, own), read(app, asked, ready, other)) };
    let both = tokio::select! {
        biased;
        () = slot.cancelled() => return Err(running::cancelled()),
        both = Box::pin(both) => both,
    };
    drop(slot);
    let (Some(a), Some(b)) = both else { return Ok(false) };
    // Of rows that were cut where nobody asked for it, the others are not known.
    let cut = builtin.limit.is_none() && (a.truncated || b.truncated);
    if cut || a.rows.num_rows().max(b.rows.num_rows()) > MOST_ROWS {
        return Ok(false);
    }
    let (ordered, told_alike) = (!builtin.order.is_empty(), in_words(ready, builtin, candidate));
    let work =
        move || (told_alike || alike::tells(&a.rows)) && alike::same(&a.rows, &b.rows, ordered);
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)
}

/// Whether the two are told to people in the same words, so that there is nothing to ask.
fn in_words(ready: &Ready, builtin: &Ir, candidate: &Candidate) -> bool {
    let Candidate::Ir { ir, .. } = candidate else { return false };
    let catalog = ready.prepared.catalog();
    // What the words leave out.
    let untold = ir.joins == builtin.joins
        && ir.time == builtin.time
        && (ir.grain, ir.offset) == (builtin.grain, builtin.offset);
    untold && ask::in_words(ir, catalog) == ask::in_words(builtin, catalog)
}

/// The rows of a draft, without a record: nobody is shown them.
pub(crate) async fn rows(
    app: &Arc<App>,
    asked: &Asked,
    ready: &Ready,
    question: Question,
) -> Option<RecordBatch> {
    Some(read(app, asked, ready, question).await?.rows)
}

async fn read(app: &Arc<App>, asked: &Asked, ready: &Ready, question: Question) -> Option<Answer> {
    let order = drafting::order(asked, question);
    let bound = pipeline::bound(&order).ok()?;
    let guarded =
        pipeline::guarded(app, &order, &bound, &ready.prepared, &mut Clock::start()).ok()?;
    let execution = guarded.execution_with(engine::options(app)).ok()?;
    let work = async {
        cost::checked(app, ready, &execution).await.ok()?;
        Some(engine::execute(app, ready, execution).await.ok()?.answer)
    };
    tokio::time::timeout_at(asked.deadline.into(), work).await.ok()?
}
