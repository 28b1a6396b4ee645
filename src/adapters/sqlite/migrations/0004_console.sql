-- People, and what they decide.

CREATE TABLE people (
    id           TEXT    NOT NULL PRIMARY KEY,
    email        TEXT    NOT NULL,
    role         TEXT    NOT NULL CHECK (role IN ('auditor', 'moderator', 'senior', 'admin')),
    -- '*', or names with commas between.
    tenants      TEXT    NOT NULL,
    password     TEXT,
    totp         TEXT,
    totp_step    INTEGER NOT NULL,
    -- Hashes, with spaces between.
    backup_codes TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    disabled_at  INTEGER,
    version      INTEGER NOT NULL CHECK (version > 0)
) STRICT;

CREATE UNIQUE INDEX people_by_email ON people (email);

CREATE TABLE sessions (
    hash       TEXT    NOT NULL PRIMARY KEY,
    person     TEXT    NOT NULL REFERENCES people (id),
    -- 0: the second factor is missing.
    is_full    INTEGER NOT NULL CHECK (is_full IN (0, 1)),
    device     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_of_person ON sessions (person, created_at);

-- Each signs a person in once.
CREATE TABLE links (
    hash   TEXT    NOT NULL PRIMARY KEY,
    person TEXT    NOT NULL REFERENCES people (id),
    until  INTEGER NOT NULL
) STRICT;

-- Failures to sign in, of an account or an address.
CREATE TABLE tries (
    what     TEXT    NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL CHECK (failures > 0),
    last_at  INTEGER NOT NULL
) STRICT;

-- Uploads in the hands of people.
CREATE TABLE reviews (
    upload     TEXT    NOT NULL PRIMARY KEY REFERENCES uploads (id),
    tenant     TEXT    NOT NULL,
    status     TEXT    NOT NULL CHECK (status IN ('open', 'waiting', 'closed')),
    severity   INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 100),
    -- The first of the reasons, which have spaces between.
    reason     TEXT    NOT NULL,
    reasons    TEXT    NOT NULL,
    media_type TEXT    NOT NULL,
    queued_at  INTEGER NOT NULL,
    escalated  INTEGER NOT NULL DEFAULT 0 CHECK (escalated IN (0, 1)),
    sealed     INTEGER NOT NULL DEFAULT 0 CHECK (sealed IN (0, 1)),
    version    INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    fence      INTEGER NOT NULL DEFAULT 0,
    holder     TEXT,
    held_until INTEGER,
    skipped_by TEXT,
    -- Who may not decide it.
    not_by     TEXT,
    CHECK ((holder IS NULL) = (held_until IS NULL)),
    CHECK (holder IS NULL OR status = 'open')
) STRICT;

CREATE INDEX reviews_open ON reviews (severity DESC, queued_at, upload) WHERE status = 'open' AND sealed = 0;
CREATE INDEX reviews_oldest ON reviews (queued_at) WHERE status = 'open' AND sealed = 0;

CREATE TABLE rulings (
    upload     TEXT    NOT NULL REFERENCES uploads (id),
    number     INTEGER NOT NULL CHECK (number > 0),
    kind       TEXT    NOT NULL CHECK (kind IN ('approve', 'quarantine', 'escalate', 'note')),
    reason     TEXT    NOT NULL,
    note       TEXT    NOT NULL,
    -- Gaps, with spaces between.
    overrides  TEXT    NOT NULL,
    rules_over TEXT    NOT NULL,
    person     TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    standing   TEXT    NOT NULL CHECK (standing IN ('waiting', 'second', 'done', 'undone', 'failed')),
    due_at     INTEGER,
    fence      INTEGER NOT NULL DEFAULT 0,
    outcome    TEXT,
    PRIMARY KEY (upload, number),
    CHECK ((due_at IS NOT NULL) = (standing = 'waiting'))
) STRICT;

CREATE INDEX rulings_due ON rulings (due_at) WHERE standing = 'waiting';

-- What went to review before there was a queue.
INSERT INTO reviews (upload, tenant, status, severity, reason, reasons, media_type, queued_at)
SELECT u.id, u.tenant, 'open', 30, coalesce(json_extract(v.detail, '$.reasons[0]'), 'review'),
       coalesce((SELECT group_concat(value, ' ') FROM json_each(v.detail, '$.reasons')), ''),
       coalesce(json_extract(v.detail, '$.type.media_type'), ''), u.settled_at
FROM uploads u JOIN verdicts v ON v.upload = u.id
     AND v.number = (SELECT max(number) FROM verdicts WHERE upload = u.id)
WHERE u.state = 'in_review';
