//! The control plane: AIR's own records in one SQLite file.
//!
//! In: typed records from the handlers. Out: typed records, pages of them, or one
//! [`StoreError`]. What a write function returned `Ok` for is on disk (WAL with
//! `synchronous=FULL`). One connection writes, in immediate transactions, so writers wait in a
//! queue instead of failing; several others read. Absent on purpose: any row of a source beyond a
//! run's sample, and passwords in clear.

mod analyses;
mod audit_log;
mod catalogs;
mod chat_answers;
mod chat_messages;
mod chat_posts;
mod chat_rooms;
mod chat_standings;
mod checksum;
mod data_dir;
mod database;
mod datasources;
mod eda_profiles;
mod endpoint_keys;
mod endpoints;
mod error;
mod events;
mod idempotency_keys;
mod jobs;
mod model_drafts;
mod moment;
mod owners;
mod page;
mod reading;
mod report_runs;
mod report_samples;
mod reports;
mod schedules;
mod schema_notes;
mod scopes;
mod sessions;
#[cfg(test)]
mod tests;
mod together;
mod uploads;

pub(crate) use self::analyses::{Analyses, Analysis, NewAnalysis};
pub(crate) use self::audit_log::{AuditEntry, AuditFilter, AuditLog, NewAuditEntry};
pub(crate) use self::catalogs::{CatalogRecord, Catalogs};
pub(crate) use self::chat_answers::{ChatAnswer, NewChatAnswer};
pub(crate) use self::chat_messages::{
    ChatMessage, ChatMessageType, ChatMessages, Kept, NewChatMessage,
};
pub(crate) use self::chat_rooms::{
    ChatAi, ChatMember, ChatRoom, ChatRoomKind, ChatRooms, Moved, NewChatRoom,
};
pub(crate) use self::chat_standings::ChatStanding;
pub(crate) use self::checksum::{canonical_json, checksum};
pub(crate) use self::data_dir::{DataDir, DataDirLock, private_file};
pub(crate) use self::database::Store;
pub(crate) use self::datasources::{Datasource, DatasourceChange, Datasources, NewDatasource};
pub(crate) use self::eda_profiles::{EdaProfiles, ProfileKey};
pub(crate) use self::endpoint_keys::{EndpointKey, EndpointKeys, NewEndpointKey};
pub(crate) use self::endpoints::{Endpoint, Endpoints, NewEndpoint};
pub(crate) use self::error::StoreError;
pub(crate) use self::events::EventRows;
pub(crate) use self::idempotency_keys::{Claim, IdempotencyKeys, RequestKey};
pub(crate) use self::jobs::{
    Attempt, Claimed, Job, JobFilter, JobKind, JobStatus, Jobs, NewJob, Retry,
};
pub(crate) use self::model_drafts::ModelDrafts;
pub(crate) use self::moment::Moment;
pub(crate) use self::owners::Owners;
pub(crate) use self::page::{Page, PageRequest};
pub(crate) use self::report_runs::{NewRun, Outcome, Run, RunFilter, RunPlan, RunStatus, Runs};
pub(crate) use self::reports::{NewReportVersion, Report, ReportVersion, Reports};
pub(crate) use self::schedules::{Misfire, Schedule, Schedules};
pub(crate) use self::schema_notes::{NoteText, SchemaNotes, page_of};
pub(crate) use self::scopes::{
    NewScope, NewScopeVersion, Scope, ScopeStatus, ScopeVersion, Scopes,
};
pub(crate) use self::sessions::{NewSession, Session, SessionFile, SessionStatus, Sessions};
pub(crate) use self::uploads::{
    FileForm, FileState, Given, Packing, Room, Settled, Upload, Uploads,
};
pub(crate) use self::uploads::{hold_files, release_files};
