-- Rows of runs go after a while; their records stay, and say by the hash that there were rows.
CREATE INDEX report_runs_kept ON report_runs (finished_at) WHERE snapshot_file IS NOT NULL;

-- Why a schedule was turned off, where nobody did.
ALTER TABLE schedules ADD COLUMN problem TEXT;
