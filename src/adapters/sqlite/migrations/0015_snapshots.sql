-- The newest frames of streams that somebody looks at from another process than the one that watches them.
CREATE TABLE snapshots (
    stream       TEXT    NOT NULL PRIMARY KEY REFERENCES streams (id) ON DELETE CASCADE,
    -- Until when it is asked for.
    wanted_until INTEGER NOT NULL,
    -- Of its bytes, in the held zone; absent before the first.
    key          TEXT,
    media_type   TEXT,
    scores       TEXT CHECK (json_valid(scores)),
    at           INTEGER,
    CHECK ((key IS NULL) = (media_type IS NULL) AND (key IS NULL) = (scores IS NULL) AND (key IS NULL) = (at IS NULL))
) STRICT;

CREATE INDEX snapshots_wanted ON snapshots (wanted_until);
