-- What users say of uploads, what moderators looked at and for how long, and which queues they see.

-- '*', or classes of reasons with commas between.
ALTER TABLE people ADD COLUMN queues text NOT NULL DEFAULT '*';
-- Rulings that were made together, to be taken back together.
ALTER TABLE rulings ADD COLUMN batch text;

CREATE INDEX rulings_in_batch ON rulings (batch) WHERE batch IS NOT NULL;

CREATE TABLE reports (
    upload   text COLLATE "C" NOT NULL REFERENCES uploads (id),
    number   bigint NOT NULL CHECK (number > 0),
    category text COLLATE "C" NOT NULL,
    text     text NOT NULL,
    -- The application's own name for whoever reported.
    reporter text COLLATE "C" NOT NULL,
    at       bigint NOT NULL,
    outcome  text COLLATE "C" CHECK (outcome IN ('upheld', 'dismissed')),
    PRIMARY KEY (upload, number)
);

CREATE UNIQUE INDEX reports_once ON reports (upload, reporter, category);

CREATE TABLE appeals (
    upload    text COLLATE "C" NOT NULL REFERENCES uploads (id),
    number    bigint NOT NULL CHECK (number > 0),
    text      text NOT NULL,
    appellant text NOT NULL,
    at        bigint NOT NULL,
    outcome   text COLLATE "C" CHECK (outcome IN ('upheld', 'rejected')),
    PRIMARY KEY (upload, number)
);

CREATE UNIQUE INDEX appeals_open ON appeals (upload) WHERE outcome IS NULL;

-- Who looked at what, from when to when they were last heard of.
CREATE TABLE views (
    person   text COLLATE "C" NOT NULL REFERENCES people (id),
    upload   text COLLATE "C" NOT NULL REFERENCES uploads (id),
    began_at bigint NOT NULL,
    seen_at  bigint NOT NULL,
    -- Since 1970, of when it began.
    day      bigint NOT NULL,
    level    text COLLATE "C" NOT NULL CHECK (level IN ('low', 'medium', 'high')),
    -- 1: it is over, and its length is on record.
    ended    bigint NOT NULL DEFAULT 0 CHECK (ended IN (0, 1)),
    PRIMARY KEY (person, upload, began_at)
);

CREATE INDEX views_of_day ON views (person, day);
CREATE INDEX views_open ON views (seen_at) WHERE ended = 0;

-- Days on which an admin let somebody go on beyond the limits.
CREATE TABLE lifts (
    person text COLLATE "C" NOT NULL REFERENCES people (id),
    day    bigint NOT NULL,
    at     bigint NOT NULL,
    PRIMARY KEY (person, day)
);

ALTER TABLE reports ENABLE ROW LEVEL SECURITY;
ALTER TABLE reports FORCE ROW LEVEL SECURITY;
CREATE POLICY by_upload ON reports
    USING (lazaret_sees('*') OR EXISTS (SELECT 1 FROM uploads u WHERE u.id = upload));

ALTER TABLE appeals ENABLE ROW LEVEL SECURITY;
ALTER TABLE appeals FORCE ROW LEVEL SECURITY;
CREATE POLICY by_upload ON appeals
    USING (lazaret_sees('*') OR EXISTS (SELECT 1 FROM uploads u WHERE u.id = upload));

ALTER TABLE views ENABLE ROW LEVEL SECURITY;
ALTER TABLE views FORCE ROW LEVEL SECURITY;
CREATE POLICY machine ON views USING (lazaret_sees('*'));

ALTER TABLE lifts ENABLE ROW LEVEL SECURITY;
ALTER TABLE lifts FORCE ROW LEVEL SECURITY;
CREATE POLICY machine ON lifts USING (lazaret_sees('*'));

GRANT SELECT, INSERT, UPDATE, DELETE ON reports, appeals TO lazaret_app;
GRANT SELECT, INSERT, UPDATE ON views, lifts TO lazaret_app;
