-- Events are of uploads and of streams, so neither outbox nor calls can name a table of which their subject is. (The
-- trigger of 0003 holds what the references held.) Some stores were made without these references; to them nothing changes.

CREATE TABLE outbox_next (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Or a stream.
    upload    TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    body      TEXT    NOT NULL CHECK (json_valid(body)),
    at        INTEGER NOT NULL,
    tenant    TEXT    NOT NULL DEFAULT '',
    handed_at INTEGER
) STRICT;

INSERT INTO outbox_next SELECT sequence, upload, kind, body, at, tenant, handed_at FROM outbox;
-- Numbers that were given are not given again.
DELETE FROM sqlite_sequence WHERE name = 'outbox_next';
INSERT INTO sqlite_sequence (name, seq) SELECT 'outbox_next', seq FROM sqlite_sequence WHERE name = 'outbox';

CREATE TABLE calls_next (
    sequence INTEGER NOT NULL REFERENCES outbox_next (sequence),
    webhook  TEXT    NOT NULL,
    upload   TEXT    NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error    TEXT,
    -- NULL: given up.
    due_at   INTEGER,
    PRIMARY KEY (sequence, webhook)
) STRICT, WITHOUT ROWID;

INSERT INTO calls_next SELECT sequence, webhook, upload, attempts, error, due_at FROM calls;

DROP TABLE calls;
DROP TABLE outbox;
-- What refers to them follows.
ALTER TABLE outbox_next RENAME TO outbox;
ALTER TABLE calls_next RENAME TO calls;

CREATE INDEX outbox_pending ON outbox (sequence) WHERE handed_at IS NULL;
CREATE INDEX outbox_handed ON outbox (handed_at) WHERE handed_at IS NOT NULL;
CREATE INDEX calls_due ON calls (due_at, sequence) WHERE due_at IS NOT NULL;
CREATE INDEX calls_of_upload ON calls (webhook, upload, sequence);

CREATE TRIGGER outbox_of_a_subject BEFORE INSERT ON outbox
WHEN NOT EXISTS (SELECT 1 FROM uploads WHERE id = NEW.upload) AND NOT EXISTS (SELECT 1 FROM streams WHERE id = NEW.upload)
BEGIN SELECT RAISE(ABORT, 'there is no such upload or stream'); END;

-- Streams whose frames are fetched: from where, and how that goes (JSON).
ALTER TABLE streams ADD COLUMN source TEXT;
ALTER TABLE streams ADD COLUMN pull TEXT CHECK (json_valid(pull));

-- What a person said of an episode (JSON).
ALTER TABLE episodes ADD COLUMN ruling TEXT CHECK (json_valid(ruling));
CREATE INDEX episodes_in_review ON episodes (worst, began_at) WHERE state = 'in_review';
