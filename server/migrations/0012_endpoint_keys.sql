-- Keys, each of which calls one published endpoint as who published it.

-- Who published a version; null where that was before there were keys.
ALTER TABLE api_endpoints ADD COLUMN principal_json TEXT
    CHECK (principal_json IS NULL OR json_valid(principal_json));

CREATE TABLE endpoint_keys (
    id             TEXT PRIMARY KEY NOT NULL,
    -- The endpoint's, and not its slug, which may become free and then another's.
    report_id      TEXT NOT NULL REFERENCES reports (id),
    name           TEXT NOT NULL,
    -- SHA-256 of the key, which itself is nowhere.
    hash           BLOB NOT NULL,
    -- As whom it calls.
    principal_json TEXT NOT NULL CHECK (json_valid(principal_json)),
    created_by     TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    last_used_at   TEXT
) STRICT;
CREATE INDEX endpoint_keys_report ON endpoint_keys (report_id, id);
