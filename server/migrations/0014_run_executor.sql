-- Who carried out what databases left to be done: engine, workers, attempts, reason.
ALTER TABLE report_runs ADD COLUMN executor_json TEXT;
