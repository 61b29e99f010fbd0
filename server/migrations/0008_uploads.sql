-- Files that people upload. A row is the truth: what lies in the folder of uploads and has no row
-- is rubbish. `bytes` is what the file takes of the disk, or may take while it comes: room is set
-- aside in steps before it is written to, so that the sum is never less than what is there.
CREATE TABLE uploads (
    id          TEXT PRIMARY KEY NOT NULL,
    owner       TEXT NOT NULL,
    -- As a person gave it, made fit to be shown; no place on the disk.
    name        TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('receiving', 'quarantined', 'ready', 'rejected')),
    -- Who receives or reads it.
    process_id  TEXT NOT NULL,
    bytes       INTEGER NOT NULL CHECK (bytes >= 0),
    -- Known when it came whole.
    format      TEXT CHECK (format IN ('csv', 'jsonl', 'parquet')),
    compression TEXT CHECK (compression IN ('none', 'gzip', 'zstd')),
    -- Its name in its own folder.
    stored_as   TEXT,
    sha256      TEXT,
    -- Known when it was read whole.
    rows        INTEGER CHECK (rows >= 0),
    columns     INTEGER CHECK (columns >= 0),
    reason      TEXT,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    CHECK (state = 'receiving' OR (format IS NOT NULL AND compression IS NOT NULL AND stored_as IS NOT NULL AND sha256 IS NOT NULL))
) STRICT;
CREATE INDEX uploads_owner ON uploads (owner, id);
CREATE INDEX uploads_pending ON uploads (state) WHERE state IN ('receiving', 'quarantined');

-- Who uses a file; as long as somebody does, it stays. Of a session, whose record is its own.
CREATE TABLE upload_holds (
    file_id    TEXT NOT NULL REFERENCES uploads (id),
    session_id TEXT NOT NULL,
    PRIMARY KEY (file_id, session_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_holds_session ON upload_holds (session_id);
