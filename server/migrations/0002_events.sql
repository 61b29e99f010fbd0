-- What happened, in the order it happened: the outbox of everything that is told over sockets.
-- An event is written in the transaction of the state it tells of, so a reader that names the
-- last number it has seen is given what it missed, whichever process wrote it.

CREATE TABLE events (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,    -- order of all events, for whoever follows
    channel      TEXT NOT NULL,
    seq          INTEGER NOT NULL,                     -- contiguous within a channel, from 1
    kind         TEXT NOT NULL,
    payload_json TEXT NOT NULL CHECK (json_valid(payload_json)),
    user_id      TEXT,
    created_at   TEXT NOT NULL,
    UNIQUE (channel, seq)
) STRICT;
CREATE INDEX events_age ON events (created_at);

-- The last number of each channel. It stays when old events are cleared, so none is given twice.
CREATE TABLE event_channels (
    channel  TEXT PRIMARY KEY NOT NULL,
    last_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
