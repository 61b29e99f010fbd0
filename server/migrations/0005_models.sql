-- What models gave, kept so that the same question has the same draft, and no note is embedded twice.

CREATE TABLE model_drafts (
    key        TEXT PRIMARY KEY NOT NULL,       -- hash of everything a draft depends on
    model      TEXT NOT NULL,
    draft      TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX model_drafts_age ON model_drafts (created_at);

CREATE TABLE note_embeddings (
    model      TEXT NOT NULL,
    md_hash    TEXT NOT NULL,                   -- of the note that was embedded
    vector     BLOB NOT NULL,                   -- 32-bit floats, little-endian
    created_at TEXT NOT NULL,
    PRIMARY KEY (model, md_hash)
) STRICT, WITHOUT ROWID;

-- Tokens, tries and prompts of an analysis.
ALTER TABLE report_analyses ADD COLUMN model_json TEXT CHECK (model_json IS NULL OR json_valid(model_json));
