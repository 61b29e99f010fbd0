//! Who may listen to which channel: whoever may see the thing behind it.

use std::sync::Arc;

use crate::access;
use crate::auth::{Principal, Role};
use crate::chat;
use crate::contract::types::ErrorCode;
use crate::events::Channel;
use crate::id::{JobId, RunId};
use crate::problem::ApiError;
use crate::service::App;

/// `Ok` where the principal may listen. What is another's is not there, as over REST.
pub(super) async fn may_listen(
    app: &Arc<App>,
    principal: &Principal,
    channel: &Channel,
) -> Result<(), ApiError> {
    match channel {
        Channel::Run(id) => run(app, principal, id).await,
        Channel::Learn(id) | Channel::Process(id) => job(app, principal, id).await,
        Channel::Chat(room) => chat::heard(app, principal, room).await.map(drop),
        Channel::AiStream(user) | Channel::Typing(user) => {
            match principal.sub == *user || principal.may(Role::Admin) {
                true => Ok(()),
                false => {
                    let detail = "This channel belongs to another user.";
                    Err(ApiError::new(ErrorCode::Forbidden, detail))
                }
            }
        }
        Channel::Online | Channel::Notifications => Ok(()),
    }
}

/// What is told of a run holds how many rows it has, and why it failed.
async fn run(app: &App, principal: &Principal, id: &RunId) -> Result<(), ApiError> {
    let owner = app.store.owners().of_run(id).await?;
    if !owner.is_some_and(|owner| principal.owns_or_admin(&owner)) {
        return Err(ApiError::not_found("run", id));
    }
    if app.config.policies.is_empty() {
        return Ok(());
    }
    access::require_same(app, principal, &app.store.runs().get(id).await?)
}

/// What is told of a job holds its result.
async fn job(app: &App, principal: &Principal, id: &JobId) -> Result<(), ApiError> {
    let owner = app.store.owners().of_job(id).await?;
    if !owner.is_some_and(|owner| principal.owns_or_admin(&owner)) {
        return Err(ApiError::not_found("job", id));
    }
    if app.config.policies.is_empty() {
        return Ok(());
    }
    match access::done_alike(app, principal, &app.store.jobs().get(id).await?) {
        true => Ok(()),
        false => {
            let detail = "The job is done under other policies than those that hold for you now; \
                          GET /v1/jobs/{id} tells how it stands.";
            Err(ApiError::new(ErrorCode::Forbidden, detail))
        }
    }
}
