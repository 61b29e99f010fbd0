-- Chat: who is in a room, what AIR answers there, and answers that are owed.

ALTER TABLE chat_rooms ADD COLUMN kind TEXT NOT NULL DEFAULT 'group'
    CHECK (kind IN ('group', 'personal'));
ALTER TABLE chat_rooms ADD COLUMN private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1));
ALTER TABLE chat_rooms ADD COLUMN ai TEXT NOT NULL DEFAULT 'mention'
    CHECK (ai IN ('off', 'mention', 'always'));
ALTER TABLE chat_rooms ADD COLUMN datasource_id TEXT;      -- null: the default one

CREATE TABLE chat_members (
    room_id      TEXT NOT NULL REFERENCES chat_rooms (id) ON DELETE CASCADE,
    user_id      TEXT NOT NULL,
    joined_at    TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX chat_members_user ON chat_members (user_id, room_id);

-- The sender's own name of a message: sent again, it is one message.
ALTER TABLE chat_messages ADD COLUMN client_ref TEXT;
ALTER TABLE chat_messages ADD COLUMN reply_to TEXT;        -- may outlive what it names
CREATE UNIQUE INDEX chat_messages_ref ON chat_messages (room_id, user_id, client_ref)
    WHERE client_ref IS NOT NULL;
CREATE INDEX chat_messages_answers ON chat_messages (room_id, seq) WHERE type = 'ai';

-- An answer that was promised when its question was taken. It is written once, by whoever holds
-- it; what a dead process held is taken up by another.
CREATE TABLE chat_answers (
    id             TEXT PRIMARY KEY NOT NULL,              -- of the message it becomes
    room_id        TEXT NOT NULL REFERENCES chat_rooms (id) ON DELETE CASCADE,
    question_id    TEXT NOT NULL REFERENCES chat_messages (id) ON DELETE CASCADE,
    asked_by       TEXT NOT NULL,
    principal_json TEXT NOT NULL CHECK (json_valid(principal_json)),
    request_json   TEXT NOT NULL CHECK (json_valid(request_json)),
    status         TEXT NOT NULL CHECK (status IN ('running', 'done')),
    claimed_by     TEXT NOT NULL,
    attempts       INTEGER NOT NULL DEFAULT 1,
    created_at     TEXT NOT NULL,
    UNIQUE (question_id)
) STRICT;
CREATE INDEX chat_answers_owed ON chat_answers (claimed_by) WHERE status = 'running';
