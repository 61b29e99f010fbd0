-- What policies made of each source for who ran it, by source: rows that were kept are shown only
-- to whom the same would be given now.
ALTER TABLE report_runs ADD COLUMN access_json TEXT CHECK (access_json IS NULL OR json_valid(access_json));

CREATE INDEX audit_log_age ON audit_log (created_at);
CREATE INDEX audit_log_actor ON audit_log (actor, id);
CREATE INDEX audit_log_action ON audit_log (action, id);
