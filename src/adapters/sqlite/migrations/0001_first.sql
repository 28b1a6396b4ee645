-- Times are Unix milliseconds, ids are text, structured values are JSON.

CREATE TABLE uploads (
    id              TEXT    NOT NULL PRIMARY KEY,
    tenant          TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('awaiting', 'received', 'scanning', 'published', 'in_review',
                                                      'quarantined', 'erased')),
    version         INTEGER NOT NULL CHECK (version > 0),
    filename        TEXT,
    declared        TEXT,
    size            INTEGER NOT NULL CHECK (size >= 0),
    sha256          TEXT    NOT NULL,
    idempotency_key TEXT,
    accepted_at     INTEGER NOT NULL,
    settled_at      INTEGER,
    -- received: not to be scanned before; scanning: when its lease runs out.
    due_at          INTEGER,
    fence           INTEGER NOT NULL DEFAULT 0,
    -- Who holds the lease.
    worker          TEXT,
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    waiting_for     TEXT,
    CHECK ((due_at IS NOT NULL) = (state IN ('received', 'scanning'))),
    CHECK ((worker IS NOT NULL) = (state = 'scanning')),
    CHECK ((settled_at IS NOT NULL) = (state IN ('published', 'in_review', 'quarantined', 'erased'))),
    CHECK (state != 'erased' OR (filename IS NULL AND declared IS NULL AND idempotency_key IS NULL))
) STRICT;

CREATE UNIQUE INDEX uploads_by_idempotency_key ON uploads (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX uploads_of_tenant ON uploads (tenant, id);
CREATE INDEX uploads_of_tenant_by_state ON uploads (tenant, state, id);
CREATE INDEX uploads_unsettled ON uploads (due_at, id) WHERE state IN ('awaiting', 'received', 'scanning');

CREATE TABLE verdicts (
    upload TEXT    NOT NULL REFERENCES uploads (id),
    number INTEGER NOT NULL CHECK (number > 0),
    detail TEXT    NOT NULL CHECK (json_valid(detail)),
    at     INTEGER NOT NULL,
    PRIMARY KEY (upload, number)
) STRICT;

CREATE TABLE renditions (
    upload     TEXT    NOT NULL REFERENCES uploads (id),
    name       TEXT    NOT NULL CHECK (name IN ('original', 'watermarked', 'thumbnail')),
    key        TEXT    NOT NULL,
    media_type TEXT    NOT NULL,
    sha256     TEXT    NOT NULL,
    size       INTEGER NOT NULL CHECK (size >= 0),
    width      INTEGER,
    height     INTEGER,
    PRIMARY KEY (upload, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX renditions_by_key ON renditions (key);

-- Law 1, held here too: only a published upload has renditions.
CREATE TRIGGER renditions_of_published_only BEFORE INSERT ON renditions
WHEN (SELECT state FROM uploads WHERE id = NEW.upload) IS NOT 'published'
BEGIN SELECT RAISE(ABORT, 'only a published upload has renditions'); END;

CREATE TRIGGER unpublished_has_no_renditions AFTER UPDATE OF state ON uploads
WHEN NEW.state != 'published' AND EXISTS (SELECT 1 FROM renditions WHERE upload = NEW.id)
BEGIN SELECT RAISE(ABORT, 'take the renditions away before the state'); END;

CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    upload   TEXT    NOT NULL REFERENCES uploads (id),
    kind     TEXT    NOT NULL,
    body     TEXT    NOT NULL CHECK (json_valid(body)),
    at       INTEGER NOT NULL
) STRICT;

CREATE TABLE api_keys (
    id         TEXT    NOT NULL PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    scopes     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE TABLE policies (
    tenant  TEXT    NOT NULL,
    -- Version 1 is the embedded default, and stored nowhere.
    version INTEGER NOT NULL CHECK (version > 1),
    text    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, version)
) STRICT;

CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    detail   TEXT    NOT NULL,
    hash     BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- One row that is written to learn whether the store can be.
CREATE TABLE heartbeat (
    only  INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    beats INTEGER NOT NULL
) STRICT;

INSERT INTO heartbeat VALUES (1, 0);
