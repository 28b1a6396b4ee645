-- Who of a tenant's users sent an upload, and episodes of live streams as items like others.

-- The application's own name for them.
ALTER TABLE uploads ADD COLUMN uploader TEXT;
CREATE INDEX uploads_of_uploader ON uploads (tenant, uploader, id) WHERE uploader IS NOT NULL;

-- What users wait for an answer to, for those who look for it in the queue.
CREATE INDEX reports_waiting ON reports (upload) WHERE outcome IS NULL;

-- Who looks at it, until when.
ALTER TABLE episodes ADD COLUMN holder TEXT;
ALTER TABLE episodes ADD COLUMN held_until INTEGER CHECK ((holder IS NULL) = (held_until IS NULL));
-- Grows with every claim.
ALTER TABLE episodes ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;

-- How the stream stood before. NULL of those from before this was kept.
ALTER TABLE stream_rulings ADD COLUMN stood TEXT CHECK (stood IN ('pass', 'warn', 'cut'));
CREATE INDEX stream_rulings_of_person ON stream_rulings (person, at);

-- What is looked at is an upload, or an episode: the stream's id, a slash and its number.
CREATE TABLE views_of_all (
    person   TEXT    NOT NULL REFERENCES people (id),
    subject  TEXT    NOT NULL,
    began_at INTEGER NOT NULL,
    seen_at  INTEGER NOT NULL,
    -- Since 1970, of when it began.
    day      INTEGER NOT NULL,
    level    TEXT    NOT NULL CHECK (level IN ('low', 'medium', 'high')),
    -- 1: it is over, and its length is on record.
    ended    INTEGER NOT NULL DEFAULT 0 CHECK (ended IN (0, 1)),
    PRIMARY KEY (person, subject, began_at)
) STRICT;
INSERT INTO views_of_all SELECT person, upload, began_at, seen_at, day, level, ended FROM views;
DROP TABLE views;
ALTER TABLE views_of_all RENAME TO views;
CREATE INDEX views_of_day ON views (person, day);
CREATE INDEX views_open ON views (seen_at) WHERE ended = 0;
