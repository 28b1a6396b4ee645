-- People, and what they decide.

CREATE TABLE people (
    id           text COLLATE "C" NOT NULL PRIMARY KEY,
    email        text COLLATE "C" NOT NULL,
    role         text NOT NULL CHECK (role IN ('auditor', 'moderator', 'senior', 'admin')),
    -- '*', or names with commas between.
    tenants      text NOT NULL,
    password     text,
    totp         text,
    totp_step    bigint NOT NULL,
    -- Hashes, with spaces between.
    backup_codes text NOT NULL,
    created_at   bigint NOT NULL,
    disabled_at  bigint,
    version      bigint NOT NULL CHECK (version > 0)
);

CREATE UNIQUE INDEX people_by_email ON people (email);

CREATE TABLE sessions (
    hash       text COLLATE "C" NOT NULL PRIMARY KEY,
    person     text COLLATE "C" NOT NULL REFERENCES people (id),
    -- 0: the second factor is missing.
    is_full    bigint NOT NULL CHECK (is_full IN (0, 1)),
    device     text NOT NULL,
    created_at bigint NOT NULL,
    seen_at    bigint NOT NULL
);

CREATE INDEX sessions_of_person ON sessions (person, created_at);

-- Each signs a person in once.
CREATE TABLE links (
    hash   text COLLATE "C" NOT NULL PRIMARY KEY,
    person text COLLATE "C" NOT NULL REFERENCES people (id),
    until  bigint NOT NULL
);

-- Failures to sign in, of an account or an address.
CREATE TABLE tries (
    what     text COLLATE "C" NOT NULL PRIMARY KEY,
    failures bigint NOT NULL CHECK (failures > 0),
    last_at  bigint NOT NULL
);

-- Uploads in the hands of people.
CREATE TABLE reviews (
    upload     text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES uploads (id),
    tenant     text COLLATE "C" NOT NULL,
    status     text COLLATE "C" NOT NULL CHECK (status IN ('open', 'waiting', 'closed')),
    severity   bigint NOT NULL CHECK (severity BETWEEN 0 AND 100),
    -- The first of the reasons, which have spaces between.
    reason     text COLLATE "C" NOT NULL,
    reasons    text COLLATE "C" NOT NULL,
    media_type text COLLATE "C" NOT NULL,
    queued_at  bigint NOT NULL,
    escalated  bigint NOT NULL DEFAULT 0 CHECK (escalated IN (0, 1)),
    sealed     bigint NOT NULL DEFAULT 0 CHECK (sealed IN (0, 1)),
    version    bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    fence      bigint NOT NULL DEFAULT 0,
    holder     text,
    held_until bigint,
    skipped_by text,
    -- Who may not decide it.
    not_by     text,
    CHECK ((holder IS NULL) = (held_until IS NULL)),
    CHECK (holder IS NULL OR status = 'open')
);

CREATE INDEX reviews_open ON reviews (severity DESC, queued_at, upload) WHERE status = 'open' AND sealed = 0;
CREATE INDEX reviews_oldest ON reviews (queued_at) WHERE status = 'open' AND sealed = 0;

CREATE TABLE rulings (
    upload     text COLLATE "C" NOT NULL REFERENCES uploads (id),
    number     bigint NOT NULL CHECK (number > 0),
    kind       text COLLATE "C" NOT NULL CHECK (kind IN ('approve', 'quarantine', 'escalate', 'note')),
    reason     text COLLATE "C" NOT NULL,
    note       text NOT NULL,
    -- Gaps, with spaces between.
    overrides  text NOT NULL,
    rules_over text NOT NULL,
    person     text COLLATE "C" NOT NULL,
    at         bigint NOT NULL,
    standing   text COLLATE "C" NOT NULL CHECK (standing IN ('waiting', 'second', 'done', 'undone', 'failed')),
    due_at     bigint,
    fence      bigint NOT NULL DEFAULT 0,
    outcome    text,
    PRIMARY KEY (upload, number),
    CHECK ((due_at IS NOT NULL) = (standing = 'waiting'))
);

CREATE INDEX rulings_due ON rulings (due_at) WHERE standing = 'waiting';

-- What went to review before there was a queue.
INSERT INTO reviews (upload, tenant, status, severity, reason, reasons, media_type, queued_at)
SELECT u.id, u.tenant, 'open', 30, coalesce(v.detail #>> '{reasons,0}', 'review'),
       coalesce((SELECT string_agg(r, ' ') FROM json_array_elements_text(v.detail -> 'reasons') r), ''),
       coalesce(v.detail #>> '{type,media_type}', ''), u.settled_at
FROM uploads u JOIN verdicts v ON v.upload = u.id
     AND v.number = (SELECT max(number) FROM verdicts WHERE upload = u.id)
WHERE u.state = 'in_review';

ALTER TABLE reviews ENABLE ROW LEVEL SECURITY;
ALTER TABLE reviews FORCE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON reviews USING (lazaret_sees(tenant));

ALTER TABLE rulings ENABLE ROW LEVEL SECURITY;
ALTER TABLE rulings FORCE ROW LEVEL SECURITY;
CREATE POLICY by_upload ON rulings
    USING (lazaret_sees('*') OR EXISTS (SELECT 1 FROM uploads u WHERE u.id = upload));

-- People are nobody's tenant.
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
ALTER TABLE people FORCE ROW LEVEL SECURITY;
CREATE POLICY machine ON people USING (lazaret_sees('*'));

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY machine ON sessions USING (lazaret_sees('*'));

ALTER TABLE links ENABLE ROW LEVEL SECURITY;
ALTER TABLE links FORCE ROW LEVEL SECURITY;
CREATE POLICY machine ON links USING (lazaret_sees('*'));

ALTER TABLE tries ENABLE ROW LEVEL SECURITY;
ALTER TABLE tries FORCE ROW LEVEL SECURITY;
CREATE POLICY machine ON tries USING (lazaret_sees('*'));

GRANT SELECT, INSERT, UPDATE ON people, reviews, rulings TO lazaret_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions, links, tries TO lazaret_app;
