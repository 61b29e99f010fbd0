//! Who may listen to which channel: whoever may see the thing behind it.

use std::sync::Arc;

use crate::auth::{Principal, Role};
use crate::chat;
use crate::contract::types::ErrorCode;
use crate::events::Channel;
use crate::problem::ApiError;
use crate::service::App;

/// `Ok` where the principal may listen. What is another's is not there, as over REST.
pub(super) async fn may_listen(
    app: &Arc<App>,
    principal: &Principal,
    channel: &Channel,
) -> Result<(), ApiError> {
    let owned = |owner: Option<String>, what, id: &str| match owner {
        Some(owner) if principal.owns_or_admin(&owner) => Ok(()),
        _ => Err(ApiError::not_found(what, id)),
    };
    match channel {
        Channel::Run(id) => owned(app.store.owners().of_run(id).await?, "run", id.as_str()),
        Channel::Learn(id) | Channel::Process(id) => {
            owned(app.store.owners().of_job(id).await?, "job", id.as_str())
        }
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
