-- Records of runs go after a while, once their rows have.
CREATE INDEX report_runs_ended ON report_runs (finished_at)
    WHERE snapshot_file IS NULL AND status <> 'running';
