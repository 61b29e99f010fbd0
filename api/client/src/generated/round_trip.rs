// Generated from api/openapi.yaml by api/generate. Do not edit: change the contract, then run it.

//! Reads JSON into a type by its schema's name, and writes it again.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Error, Value};

use super::types::*;

fn through<T: DeserializeOwned + Serialize>(value: Value) -> Result<Value, Error> {
    serde_json::to_value(serde_json::from_value::<T>(value)?)
}

/// `None` where there is no such schema.
pub(crate) fn round_trip(schema: &str, value: Value) -> Option<Result<Value, Error>> {
    Some(match schema {
        "Analysis" => through::<Analysis>(value),
        "AnalyzeRequest" => through::<AnalyzeRequest>(value),
        "AskRequest" => through::<AskRequest>(value),
        "AskResponse" => through::<AskResponse>(value),
        "AuditList" => through::<AuditList>(value),
        "BulkReportsRequest" => through::<BulkReportsRequest>(value),
        "Catalog" => through::<Catalog>(value),
        "CatalogPatch" => through::<CatalogPatch>(value),
        "ChatJoin" => through::<ChatJoin>(value),
        "ChatMessageList" => through::<ChatMessageList>(value),
        "ChatPost" => through::<ChatPost>(value),
        "ChatPosted" => through::<ChatPosted>(value),
        "ChatPresence" => through::<ChatPresence>(value),
        "ChatRoom" => through::<ChatRoom>(value),
        "ChatRoomCreate" => through::<ChatRoomCreate>(value),
        "ChatRoomList" => through::<ChatRoomList>(value),
        "ChatSave" => through::<ChatSave>(value),
        "Datasource" => through::<Datasource>(value),
        "DatasourceCreate" => through::<DatasourceCreate>(value),
        "DatasourceList" => through::<DatasourceList>(value),
        "DatasourcePatch" => through::<DatasourcePatch>(value),
        "DrillRequest" => through::<DrillRequest>(value),
        "Endpoint" => through::<Endpoint>(value),
        "EndpointList" => through::<EndpointList>(value),
        "Health" => through::<Health>(value),
        "IrBuildRequest" => through::<IrBuildRequest>(value),
        "IrBuildResponse" => through::<IrBuildResponse>(value),
        "Job" => through::<Job>(value),
        "JobAccepted" => through::<JobAccepted>(value),
        "JobList" => through::<JobList>(value),
        "JsonSchema" => through::<JsonSchema>(value),
        "LearnRequest" => through::<LearnRequest>(value),
        "LearnResult" => through::<LearnResult>(value),
        "LearningSessionCreate" => through::<LearningSessionCreate>(value),
        "LearningSessionDetail" => through::<LearningSessionDetail>(value),
        "LearningSessionList" => through::<LearningSessionList>(value),
        "Liveness" => through::<Liveness>(value),
        "McpMessage" => through::<McpMessage>(value),
        "Ndjson" => through::<Ndjson>(value),
        "OpenApiDocument" => through::<OpenApiDocument>(value),
        "Problem" => through::<Problem>(value),
        "ProcessAnalyzeRequest" => through::<ProcessAnalyzeRequest>(value),
        "ProcessLearnRequest" => through::<ProcessLearnRequest>(value),
        "QueryRequest" => through::<QueryRequest>(value),
        "Readiness" => through::<Readiness>(value),
        "Report" => through::<Report>(value),
        "ReportCreate" => through::<ReportCreate>(value),
        "ReportDetail" => through::<ReportDetail>(value),
        "ReportExport" => through::<ReportExport>(value),
        "ReportList" => through::<ReportList>(value),
        "ReportRunRequest" => through::<ReportRunRequest>(value),
        "ReportVersionCreate" => through::<ReportVersionCreate>(value),
        "ReportVersionCreated" => through::<ReportVersionCreated>(value),
        "ReportVersionList" => through::<ReportVersionList>(value),
        "RowPage" => through::<RowPage>(value),
        "Run" => through::<Run>(value),
        "RunList" => through::<RunList>(value),
        "RunResult" => through::<RunResult>(value),
        "Schedule" => through::<Schedule>(value),
        "ScheduleCreate" => through::<ScheduleCreate>(value),
        "ScheduleList" => through::<ScheduleList>(value),
        "SchedulePatch" => through::<SchedulePatch>(value),
        "SchemaNoteList" => through::<SchemaNoteList>(value),
        "ScopeCreate" => through::<ScopeCreate>(value),
        "ScopeDetail" => through::<ScopeDetail>(value),
        "ScopeDiff" => through::<ScopeDiff>(value),
        "ScopeList" => through::<ScopeList>(value),
        "ScopeVersion" => through::<ScopeVersion>(value),
        "ScopeVersionCreate" => through::<ScopeVersionCreate>(value),
        "SessionMessage" => through::<SessionMessage>(value),
        "SessionPublish" => through::<SessionPublish>(value),
        "SocketInfo" => through::<SocketInfo>(value),
        "SqlRequest" => through::<SqlRequest>(value),
        "SqlResponse" => through::<SqlResponse>(value),
        "ToolList" => through::<ToolList>(value),
        "Uploaded" => through::<Uploaded>(value),
        "UploadedFile" => through::<UploadedFile>(value),
        "UploadedFileList" => through::<UploadedFileList>(value),
        _ => return None,
    })
}
