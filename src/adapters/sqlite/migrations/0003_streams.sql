-- Live streams, and what was seen on them.

CREATE TABLE streams (
    id             TEXT    NOT NULL PRIMARY KEY,
    tenant         TEXT    NOT NULL,
    external_id    TEXT,
    opened_at      INTEGER NOT NULL,
    closed_at      INTEGER,
    key_hash       BLOB    NOT NULL CHECK (length(key_hash) = 32),
    key_expires_at INTEGER NOT NULL,
    tuning         TEXT    NOT NULL CHECK (json_valid(tuning)),
    queued         INTEGER NOT NULL CHECK (queued IN (0, 1)),
    standing       TEXT    NOT NULL CHECK (standing IN ('pass', 'warn', 'cut')),
    because        TEXT    NOT NULL,
    since          INTEGER NOT NULL,
    watched_until  INTEGER,
    judged         INTEGER NOT NULL DEFAULT 0,
    skipped        INTEGER NOT NULL DEFAULT 0,
    failed         INTEGER NOT NULL DEFAULT 0,
    late           INTEGER NOT NULL DEFAULT 0,
    lost           INTEGER NOT NULL DEFAULT 0,
    -- The number of its last one; 0 before the first.
    episode        INTEGER NOT NULL DEFAULT 0,
    fence          INTEGER NOT NULL DEFAULT 0,
    -- Who watches it, and until when.
    holder         TEXT,
    held_until     INTEGER,
    CHECK ((holder IS NULL) = (held_until IS NULL)),
    CHECK (closed_at IS NULL OR holder IS NULL)
) STRICT;

CREATE INDEX streams_open ON streams (held_until, id) WHERE closed_at IS NULL;
CREATE INDEX streams_of_tenant ON streams (tenant, id);

CREATE TABLE episodes (
    stream   TEXT    NOT NULL REFERENCES streams (id),
    number   INTEGER NOT NULL CHECK (number > 0),
    tenant   TEXT    NOT NULL,
    state    TEXT    NOT NULL CHECK (state IN ('open', 'in_review', 'ruled')),
    began_at INTEGER NOT NULL,
    ended_at INTEGER,
    worst    TEXT    NOT NULL CHECK (worst IN ('warn', 'cut')),
    because  TEXT    NOT NULL,
    scores   TEXT    NOT NULL CHECK (json_valid(scores)),
    evidence TEXT    NOT NULL CHECK (json_valid(evidence)),
    PRIMARY KEY (stream, number),
    CHECK ((ended_at IS NULL) = (state = 'open'))
) STRICT;

CREATE INDEX episodes_of_tenant ON episodes (tenant, stream, number);
CREATE INDEX episodes_of_tenant_by_state ON episodes (tenant, state, stream, number);

CREATE TRIGGER outbox_of_a_subject BEFORE INSERT ON outbox
WHEN NOT EXISTS (SELECT 1 FROM uploads WHERE id = NEW.upload) AND NOT EXISTS (SELECT 1 FROM streams WHERE id = NEW.upload)
BEGIN SELECT RAISE(ABORT, 'there is no such upload or stream'); END;
