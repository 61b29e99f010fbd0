-- Learning sessions: sources of one user, and answers that are published as endpoints.

-- Whose a source is; null: everybody's. A session's source has the id of its session.
ALTER TABLE datasources ADD COLUMN owner TEXT;

-- The transcript of a session is its room in the chat, whose id is the session's.
ALTER TABLE learning_sessions DROP COLUMN transcript_json;
ALTER TABLE learning_sessions ADD COLUMN suggestions_json TEXT NOT NULL DEFAULT '[]'
    CHECK (json_valid(suggestions_json));
CREATE INDEX learning_sessions_datasource ON learning_sessions (datasource_id);

-- A version of an endpoint is a version of the report whose key is its slug.
ALTER TABLE api_endpoints ADD COLUMN description TEXT;
ALTER TABLE api_endpoints ADD COLUMN columns_json TEXT NOT NULL DEFAULT '[]'
    CHECK (json_valid(columns_json));
CREATE INDEX api_endpoints_report_version ON api_endpoints (report_version_id);
CREATE INDEX api_endpoints_session ON api_endpoints (session_id);

CREATE INDEX report_runs_scope_version ON report_runs (scope_version_id)
    WHERE scope_version_id IS NOT NULL;
