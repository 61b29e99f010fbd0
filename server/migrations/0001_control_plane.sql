-- The control plane: everything AIR keeps about itself. No row of a source is here but a run's
-- sample (50 rows) and the values of text columns inside a catalog.
--
-- Times are RFC 3339 in UTC with six decimals, so that their text sorts by time. JSON is text.

CREATE TABLE datasources (
    id              TEXT PRIMARY KEY NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('timescaledb', 'postgres', 'mysql', 'files')),
    dsn             TEXT,                      -- password sealed, or ${VAR} references
    base_path       TEXT,                      -- kind files
    display_name    TEXT NOT NULL,
    is_default      INTEGER NOT NULL DEFAULT 0 CHECK (is_default IN (0, 1)),
    allow_superuser INTEGER NOT NULL DEFAULT 0 CHECK (allow_superuser IN (0, 1)),
    sample_values   INTEGER NOT NULL DEFAULT 1 CHECK (sample_values IN (0, 1)),
    origin          TEXT NOT NULL CHECK (origin IN ('config', 'api')),
    health_json     TEXT CHECK (health_json IS NULL OR json_valid(health_json)),
    version         INTEGER NOT NULL DEFAULT 1,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    CHECK ((kind = 'files') = (base_path IS NOT NULL)),
    CHECK ((kind = 'files') = (dsn IS NULL))
) STRICT;
CREATE UNIQUE INDEX datasources_one_default ON datasources (is_default) WHERE is_default = 1;

CREATE TABLE schema_notes (
    id            TEXT PRIMARY KEY NOT NULL,
    datasource_id TEXT NOT NULL REFERENCES datasources (id) ON DELETE CASCADE,
    object        TEXT NOT NULL,
    chunk         INTEGER NOT NULL,
    md            TEXT NOT NULL,
    md_hash       TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    UNIQUE (datasource_id, object, chunk)
) STRICT;

-- What was learned and what people changed are apart: learning again writes only the first.
CREATE TABLE catalogs (
    datasource_id TEXT PRIMARY KEY NOT NULL REFERENCES datasources (id) ON DELETE CASCADE,
    catalog_json  TEXT NOT NULL CHECK (json_valid(catalog_json)),
    version       TEXT NOT NULL,               -- hash of catalog_json
    learned_at    TEXT NOT NULL,
    edits_json    TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(edits_json)),
    edits_version INTEGER NOT NULL DEFAULT 0,
    edited_by     TEXT,
    edited_at     TEXT
) STRICT;

CREATE TABLE scopes (
    id            TEXT PRIMARY KEY NOT NULL,
    name          TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('draft', 'approved', 'archived')),
    owner         TEXT NOT NULL,
    datasource_id TEXT,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL
) STRICT;
CREATE INDEX scopes_owner ON scopes (owner, id);

CREATE TABLE scope_versions (
    id          TEXT PRIMARY KEY NOT NULL,
    scope_id    TEXT NOT NULL REFERENCES scopes (id) ON DELETE CASCADE,
    version     INTEGER NOT NULL,
    scope_md    TEXT NOT NULL,
    ir_json     TEXT CHECK (ir_json IS NULL OR json_valid(ir_json)),
    ir_hash     TEXT,
    answer_json TEXT CHECK (answer_json IS NULL OR json_valid(answer_json)),
    created_by  TEXT NOT NULL,
    verified_by TEXT,                          -- a person confirmed the IR of verified_hash
    verified_at TEXT,
    verified_hash TEXT,
    created_at  TEXT NOT NULL,
    UNIQUE (scope_id, version)
) STRICT;

CREATE TABLE reports (
    id         TEXT PRIMARY KEY NOT NULL,
    key        TEXT NOT NULL,
    title      TEXT NOT NULL,
    owner      TEXT NOT NULL,
    archived   INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1)),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
-- A key is unique among the reports that can be reached by it; an archived report keeps its runs
-- and frees its key.
CREATE UNIQUE INDEX reports_key ON reports (key) WHERE archived = 0;

CREATE TABLE report_versions (
    id               TEXT PRIMARY KEY NOT NULL,
    report_id        TEXT NOT NULL REFERENCES reports (id) ON DELETE CASCADE,
    version          INTEGER NOT NULL,
    scope_version_id TEXT REFERENCES scope_versions (id) ON DELETE SET NULL,
    datasource_id    TEXT,                     -- null: portable
    def_json         TEXT NOT NULL CHECK (json_valid(def_json)),
    checksum         TEXT NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('active', 'retired')),
    created_by       TEXT NOT NULL,
    created_at       TEXT NOT NULL,
    UNIQUE (report_id, version)
) STRICT;
CREATE INDEX report_versions_datasource ON report_versions (datasource_id);

-- Runs outlive what they came from: a source that is gone still has its history, so
-- datasource_id is a name here and no reference.
CREATE TABLE report_runs (
    id                TEXT PRIMARY KEY NOT NULL,
    report_id         TEXT REFERENCES reports (id) ON DELETE SET NULL,
    report_version_id TEXT REFERENCES report_versions (id) ON DELETE SET NULL,
    datasource_id     TEXT NOT NULL,
    scope_version_id  TEXT REFERENCES scope_versions (id) ON DELETE SET NULL,
    owner             TEXT NOT NULL,
    process_id        TEXT NOT NULL,
    ir_json           TEXT CHECK (ir_json IS NULL OR json_valid(ir_json)),
    params_json       TEXT NOT NULL CHECK (json_valid(params_json)),
    frozen_now        TEXT NOT NULL,
    sql_text          TEXT,                    -- of the first source, for people
    sql_json          TEXT CHECK (sql_json IS NULL OR json_valid(sql_json)),
    columns_json      TEXT CHECK (columns_json IS NULL OR json_valid(columns_json)),
    safety_json       TEXT CHECK (safety_json IS NULL OR json_valid(safety_json)),
    verdict_json      TEXT CHECK (verdict_json IS NULL OR json_valid(verdict_json)),
    timings_json      TEXT CHECK (timings_json IS NULL OR json_valid(timings_json)),
    row_count         INTEGER,
    truncated         INTEGER CHECK (truncated IN (0, 1)),
    as_of             TEXT,
    snapshot_file     TEXT,
    snapshot_hash     TEXT,
    started_at        TEXT NOT NULL,
    finished_at       TEXT,
    status            TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
    error_text        TEXT,
    error_json        TEXT CHECK (error_json IS NULL OR json_valid(error_json)),
    CHECK ((status = 'running') = (finished_at IS NULL))
) STRICT;
CREATE INDEX report_runs_report ON report_runs (report_id, id);
CREATE INDEX report_runs_owner ON report_runs (owner, id);
CREATE INDEX report_runs_running ON report_runs (process_id) WHERE status = 'running';

CREATE TABLE report_samples (
    run_id   TEXT NOT NULL REFERENCES report_runs (id) ON DELETE CASCADE,
    seq      INTEGER NOT NULL,
    row_json TEXT NOT NULL CHECK (json_valid(row_json)),
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE report_analyses (
    id             TEXT PRIMARY KEY NOT NULL,
    run_id         TEXT NOT NULL REFERENCES report_runs (id) ON DELETE CASCADE,
    model_used     TEXT,
    rubric_version TEXT NOT NULL,
    verdict_json   TEXT NOT NULL CHECK (json_valid(verdict_json)),
    analysis_md    TEXT,
    created_at     TEXT NOT NULL
) STRICT;
CREATE INDEX report_analyses_run ON report_analyses (run_id, id);

CREATE TABLE jobs (
    id                  TEXT PRIMARY KEY NOT NULL,
    kind                TEXT NOT NULL CHECK (kind IN ('learn', 'analyze', 'bulk-reports', 'query', 'report')),
    owner               TEXT NOT NULL,
    input_json          TEXT NOT NULL CHECK (json_valid(input_json)),
    status              TEXT NOT NULL CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    progress            INTEGER NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    current_step        TEXT,
    estimated_remaining TEXT,
    attempts            INTEGER NOT NULL DEFAULT 0,
    claimed_by          TEXT,
    heartbeat_at        TEXT,
    cancel_requested    INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
    result_json         TEXT CHECK (result_json IS NULL OR json_valid(result_json)),
    error_json          TEXT CHECK (error_json IS NULL OR json_valid(error_json)),
    created_at          TEXT NOT NULL,
    started_at          TEXT,
    finished_at         TEXT
) STRICT;
CREATE INDEX jobs_owner ON jobs (owner, id);
CREATE INDEX jobs_waiting ON jobs (status, id) WHERE status IN ('queued', 'running');

CREATE TABLE chat_rooms (
    id         TEXT PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL,
    created_by TEXT NOT NULL,
    next_seq   INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE chat_messages (
    id         TEXT PRIMARY KEY NOT NULL,
    room_id    TEXT NOT NULL REFERENCES chat_rooms (id) ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    user_id    TEXT NOT NULL,
    type       TEXT NOT NULL CHECK (type IN ('user', 'ai', 'system')),
    content    TEXT NOT NULL,
    meta_json  TEXT CHECK (meta_json IS NULL OR json_valid(meta_json)),
    created_at TEXT NOT NULL,
    UNIQUE (room_id, seq)
) STRICT;
CREATE INDEX chat_messages_age ON chat_messages (created_at);

CREATE TABLE learning_sessions (
    id              TEXT PRIMARY KEY NOT NULL,
    owner           TEXT NOT NULL,
    title           TEXT NOT NULL,
    datasource_id   TEXT REFERENCES datasources (id) ON DELETE SET NULL,
    scope_id        TEXT REFERENCES scopes (id) ON DELETE SET NULL,
    files_json      TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(files_json)),
    transcript_json TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(transcript_json)),
    status          TEXT NOT NULL CHECK (status IN ('open', 'published', 'closed')),
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL
) STRICT;
CREATE INDEX learning_sessions_owner ON learning_sessions (owner, id);

CREATE TABLE api_endpoints (
    id                TEXT PRIMARY KEY NOT NULL,
    slug              TEXT NOT NULL,
    version           INTEGER NOT NULL,
    session_id        TEXT REFERENCES learning_sessions (id) ON DELETE SET NULL,
    report_version_id TEXT NOT NULL REFERENCES report_versions (id),
    params_json       TEXT NOT NULL CHECK (json_valid(params_json)),
    owner             TEXT NOT NULL,
    status            TEXT NOT NULL CHECK (status IN ('active', 'retired')),
    created_at        TEXT NOT NULL,
    UNIQUE (slug, version)
) STRICT;

CREATE TABLE audit_log (
    id          TEXT PRIMARY KEY NOT NULL,
    actor       TEXT NOT NULL,
    role        TEXT NOT NULL,
    action      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    detail_json TEXT NOT NULL CHECK (json_valid(detail_json)),
    request_id  TEXT,
    created_at  TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency_keys (
    owner         TEXT NOT NULL,
    route         TEXT NOT NULL,
    key           TEXT NOT NULL,
    body_hash     TEXT NOT NULL,
    process_id    TEXT NOT NULL,
    status        INTEGER,                     -- null: in flight
    response_json TEXT CHECK (response_json IS NULL OR json_valid(response_json)),
    created_at    TEXT NOT NULL,
    PRIMARY KEY (owner, route, key),
    CHECK ((status IS NULL) = (response_json IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
