//! Where a run begins and ends well. Each is one text for SQLite, with its event, from `BEGIN` to
//! `COMMIT`: every statement that is sent by itself is a walk to SQLite's thread and back.

use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;

use super::{NewRun, Outcome, Run, RunStatus, Runs, WHAT, not_running, told};
use crate::events::{Channel, Event, EventKind};
use crate::id::RunId;
use crate::store::report_samples::SAMPLE_ROWS;
use crate::store::together::Text;
use crate::store::{Moment, Store, StoreError, canonical_json};

const BEGIN: &str = "
    BEGIN IMMEDIATE;
    INSERT INTO report_runs (id, report_id, report_version_id, datasource_id, scope_version_id,
            owner, access_json, process_id, ir_json, params_json, frozen_now, sql_text, sql_json,
            safety_json, started_at, job_id, job_attempt, status)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running');
    INSERT INTO event_channels (channel, last_seq) VALUES (?, 1)
        ON CONFLICT (channel) DO UPDATE SET last_seq = last_seq + 1;
    INSERT INTO events (channel, seq, kind, payload_json, user_id, created_at)
        SELECT channel, last_seq, ?, ?, ?, ? FROM event_channels WHERE channel = ?
        RETURNING seq;
    COMMIT";

/// What there is of a run that is not running stays as it is: each statement looks for one that
/// is, and the last one ends it. What is told is what `told` tells of a run that completed.
const COMPLETE: &str = "
    BEGIN IMMEDIATE;
    INSERT INTO event_channels (channel, last_seq)
        SELECT ?, 1 FROM report_runs WHERE id = ? AND status = 'running'
        ON CONFLICT (channel) DO UPDATE SET last_seq = last_seq + 1;
    INSERT INTO events (channel, seq, kind, payload_json, user_id, created_at)
        SELECT c.channel, c.last_seq, ?,
            json_object('run_id', r.id, 'run_url', '/v1/runs/' || r.id, 'status', 'completed',
                'job_id', r.job_id, 'row_count', ?, 'truncated', json(?), 'qa_status', ?),
            r.owner, ?
        FROM report_runs r JOIN event_channels c ON c.channel = ?
        WHERE r.id = ? AND r.status = 'running'
        RETURNING seq, payload_json, user_id;
    INSERT INTO report_samples (run_id, seq, row_json)
        SELECT r.id, j.key, j.value FROM report_runs r JOIN json_each(?) j
        WHERE r.id = ? AND r.status = 'running';
    UPDATE report_runs SET status = 'completed', finished_at = ?, row_count = ?, truncated = ?,
            columns_json = ?, verdict_json = ?, timings_json = ?, as_of = ?, snapshot_file = ?,
            snapshot_hash = ?, sql_json = ?, executor_json = ?
        WHERE id = ? AND status = 'running';
    COMMIT";

impl Runs<'_> {
    pub(crate) async fn start(&self, new: &NewRun) -> Result<Run, StoreError> {
        let run = started(self.store, new);
        let channel = Channel::Run(run.id.clone());
        let (kind, payload) = told::of(&run);
        let text = began(&run, new).bind(channel.to_string());
        let text = text.bind(kind).bind(Json(&payload)).bind(&run.owner).bind(run.started_at);
        let text = text.bind(channel.to_string());
        let mut connection = self.store.writing().await?;
        let rows = Store::at_once(&mut connection, text).await;
        let rows = rows.map_err(|error| StoreError::on_insert(error, WHAT, &new.id))?;
        let seq = one(&rows)?.try_get::<i64, _>(0)?.cast_unsigned();
        let (user_id, at) = (Some(run.owner.clone()), run.started_at);
        self.store.tell([Event { channel, kind, payload, user_id, seq, at }]);
        Ok(run)
    }

    pub(crate) async fn finish(&self, id: &RunId, outcome: &Outcome) -> Result<(), StoreError> {
        let (channel, at) = (Channel::Run(id.clone()), Moment::now());
        let kind = EventKind::Result;
        let text: Text = sqlx::query(COMPLETE);
        let text = text.bind(channel.to_string()).bind(id).bind(kind);
        let text = text.bind(outcome.row_count).bind(outcome.truncated.to_string());
        let text = text.bind(outcome.verdict["status"].as_str()).bind(at);
        let text = text.bind(channel.to_string()).bind(id);
        let sample = &outcome.sample[..outcome.sample.len().min(SAMPLE_ROWS)];
        let text = completed(text.bind(Json(sample)).bind(id), (id, outcome), at);
        let mut connection = self.store.writing().await?;
        let rows = Store::at_once(&mut connection, text).await?;
        drop(connection);
        let Some(row) = rows.first() else { return Err(not_running(self.store, id).await?) };
        let Json(payload) = row.try_get::<Json<Value>, _>(1)?;
        let (seq, user_id) = (row.try_get::<i64, _>(0)?.cast_unsigned(), row.try_get(2)?);
        self.store.tell([Event { channel, kind, payload, user_id, seq, at }]);
        Ok(())
    }
}

fn one(rows: &[SqliteRow]) -> Result<&SqliteRow, sqlx::Error> {
    rows.first().ok_or(sqlx::Error::RowNotFound)
}

/// A run as its row will hold it.
fn started(store: &Store, new: &NewRun) -> Run {
    let (report_id, report_version_id) = new.report.clone().unzip();
    Run {
        id: new.id.clone(),
        report_id,
        report_version_id,
        datasource_id: new.datasource_id.clone(),
        scope_version_id: new.scope_version_id.clone(),
        owner: new.owner.clone(),
        access: new.access.clone(),
        process_id: store.process().clone(),
        job_id: new.job.as_ref().map(|job| job.id.clone()),
        ir: new.ir.clone(),
        params: new.params.clone(),
        frozen_now: new.frozen_now,
        plan: new.plan.clone(),
        columns: None,
        verdict: None,
        timings: None,
        executor: None,
        row_count: None,
        truncated: None,
        as_of: None,
        snapshot_file: None,
        snapshot_hash: None,
        started_at: Moment::now(),
        finished_at: None,
        status: RunStatus::Running,
        error_text: None,
        error: None,
    }
}

/// The values of the row.
fn began(run: &Run, new: &NewRun) -> Text {
    sqlx::query(BEGIN)
        .bind(&run.id)
        .bind(&run.report_id)
        .bind(&run.report_version_id)
        .bind(&run.datasource_id)
        .bind(&run.scope_version_id)
        .bind(&run.owner)
        .bind(run.access.as_ref().map(Json))
        .bind(&run.process_id)
        .bind(run.ir.as_ref().map(Json))
        .bind(canonical_json(&run.params))
        .bind(run.frozen_now)
        .bind(&run.plan.sql_text)
        .bind(run.plan.sql.as_ref().map(Json))
        .bind(run.plan.safety.as_ref().map(Json))
        .bind(run.started_at)
        .bind(&run.job_id)
        .bind(new.job.as_ref().map(|job| job.attempt))
}

/// The values of the row's end.
fn completed(text: Text, (id, outcome): (&RunId, &Outcome), at: Moment) -> Text {
    text.bind(at)
        .bind(outcome.row_count)
        .bind(outcome.truncated)
        .bind(Json(&outcome.columns))
        .bind(Json(&outcome.verdict))
        .bind(Json(&outcome.timings))
        .bind(outcome.as_of)
        .bind(&outcome.snapshot_file)
        .bind(&outcome.snapshot_hash)
        .bind(Json(&outcome.sql))
        .bind(Json(&outcome.executor))
        .bind(id)
}
