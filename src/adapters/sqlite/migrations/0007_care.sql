-- What users say of uploads, what moderators looked at and for how long, and which queues they see.

-- '*', or classes of reasons with commas between.
ALTER TABLE people ADD COLUMN queues TEXT NOT NULL DEFAULT '*';
-- Rulings that were made together, to be taken back together.
ALTER TABLE rulings ADD COLUMN batch TEXT;

CREATE INDEX rulings_in_batch ON rulings (batch) WHERE batch IS NOT NULL;

CREATE TABLE reports (
    upload   TEXT    NOT NULL REFERENCES uploads (id),
    number   INTEGER NOT NULL CHECK (number > 0),
    category TEXT    NOT NULL,
    text     TEXT    NOT NULL,
    -- The application's own name for whoever reported.
    reporter TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    outcome  TEXT    CHECK (outcome IN ('upheld', 'dismissed')),
    PRIMARY KEY (upload, number)
) STRICT;

CREATE UNIQUE INDEX reports_once ON reports (upload, reporter, category);

CREATE TABLE appeals (
    upload    TEXT    NOT NULL REFERENCES uploads (id),
    number    INTEGER NOT NULL CHECK (number > 0),
    text      TEXT    NOT NULL,
    appellant TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    outcome   TEXT    CHECK (outcome IN ('upheld', 'rejected')),
    PRIMARY KEY (upload, number)
) STRICT;

CREATE UNIQUE INDEX appeals_open ON appeals (upload) WHERE outcome IS NULL;

-- Who looked at what, from when to when they were last heard of.
CREATE TABLE views (
    person   TEXT    NOT NULL REFERENCES people (id),
    upload   TEXT    NOT NULL REFERENCES uploads (id),
    began_at INTEGER NOT NULL,
    seen_at  INTEGER NOT NULL,
    -- Since 1970, of when it began.
    day      INTEGER NOT NULL,
    level    TEXT    NOT NULL CHECK (level IN ('low', 'medium', 'high')),
    -- 1: it is over, and its length is on record.
    ended    INTEGER NOT NULL DEFAULT 0 CHECK (ended IN (0, 1)),
    PRIMARY KEY (person, upload, began_at)
) STRICT;

CREATE INDEX views_of_day ON views (person, day);
CREATE INDEX views_open ON views (seen_at) WHERE ended = 0;

-- Days on which an admin let somebody go on beyond the limits.
CREATE TABLE lifts (
    person TEXT    NOT NULL REFERENCES people (id),
    day    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (person, day)
) STRICT;
