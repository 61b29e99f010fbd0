-- Profiles that the EDA service made of the rows of a table or of a report's runs: what a later
-- analysis of the same is compared with. They hold frequent values, so each is its owner's alone,
-- and is compared only where policies give the same rows and columns as then.
CREATE TABLE eda_profiles (
    owner         TEXT NOT NULL,
    datasource_id TEXT NOT NULL REFERENCES datasources (id) ON DELETE CASCADE,
    subject       TEXT NOT NULL,      -- `table <name>` or `report <id>`
    access        TEXT NOT NULL,      -- what policies made of it; empty without any
    job_id        TEXT NOT NULL,      -- a name: jobs may go
    run_id        TEXT NOT NULL,      -- whose rows they are; a name too
    made_at       TEXT NOT NULL,
    profile_json  TEXT NOT NULL CHECK (json_valid(profile_json)),
    PRIMARY KEY (owner, datasource_id, subject, access, job_id)
) STRICT;
-- Deleting a source looks for its own.
CREATE INDEX eda_profiles_datasource ON eda_profiles (datasource_id);
