-- Jobs that are claimed, taken up again and scheduled. The tables are those of 0001 with what
-- that needs.

-- `attempts` counts the claims of a job and so is its fencing token: a process may write to a
-- running job only under the number it claimed it by.
ALTER TABLE jobs ADD COLUMN principal_json TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(principal_json));
ALTER TABLE jobs ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;  -- of a kind that may pass
ALTER TABLE jobs ADD COLUMN losses INTEGER NOT NULL DEFAULT 0;    -- of the process it ran in
ALTER TABLE jobs ADD COLUMN not_before TEXT;                      -- while a later try waits
ALTER TABLE jobs ADD COLUMN cancelled_by TEXT;
-- What is done of a job that has parts, so that a later attempt goes on from there.
ALTER TABLE jobs ADD COLUMN checkpoint_json TEXT CHECK (checkpoint_json IS NULL OR json_valid(checkpoint_json));
ALTER TABLE jobs ADD COLUMN schedule_id TEXT;                     -- a name: schedules may go
ALTER TABLE jobs ADD COLUMN scheduled_for TEXT;
-- No moment of a schedule becomes two jobs, whichever processes see it.
CREATE UNIQUE INDEX jobs_scheduled ON jobs (schedule_id, scheduled_for) WHERE schedule_id IS NOT NULL;
CREATE INDEX jobs_claimed ON jobs (claimed_by) WHERE status = 'running';

CREATE TABLE job_attempts (
    job_id     TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    attempt    INTEGER NOT NULL,
    process_id TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at   TEXT,
    outcome    TEXT CHECK (outcome IN ('completed', 'failed', 'cancelled', 'retried', 'released', 'lost')),
    PRIMARY KEY (job_id, attempt),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
) STRICT, WITHOUT ROWID;
-- A job is never worked on twice at the same time.
CREATE UNIQUE INDEX job_attempts_open ON job_attempts (job_id) WHERE ended_at IS NULL;

-- A run that a job made, with the attempt that made it.
ALTER TABLE report_runs ADD COLUMN job_id TEXT;
ALTER TABLE report_runs ADD COLUMN job_attempt INTEGER;
CREATE INDEX report_runs_job ON report_runs (job_id) WHERE job_id IS NOT NULL;

CREATE TABLE schedules (
    id             TEXT PRIMARY KEY NOT NULL,
    name           TEXT NOT NULL,
    owner          TEXT NOT NULL,
    principal_json TEXT NOT NULL CHECK (json_valid(principal_json)),
    report_key     TEXT NOT NULL,
    version        INTEGER,                    -- null: the newest at each run
    datasource_id  TEXT,                       -- of a portable report
    params_json    TEXT NOT NULL CHECK (json_valid(params_json)),
    cron           TEXT NOT NULL,
    time_zone      TEXT NOT NULL,
    misfire        TEXT NOT NULL CHECK (misfire IN ('skip', 'run_once', 'run_all')),
    max_catch_up   INTEGER NOT NULL CHECK (max_catch_up BETWEEN 1 AND 100),
    enabled        INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    next_at        TEXT,                       -- null: never again
    last_at        TEXT,                       -- the moment that was run last
    last_job_id    TEXT,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL
) STRICT;
CREATE INDEX schedules_owner ON schedules (owner, id);
CREATE INDEX schedules_due ON schedules (next_at) WHERE enabled = 1 AND next_at IS NOT NULL;
