-- Direct uploads, the sender's own ids, the outbox handed on, webhooks.

ALTER TABLE uploads ADD COLUMN external_id TEXT;
-- Until when an awaited upload is waited for.
ALTER TABLE uploads ADD COLUMN awaited_until INTEGER;

CREATE UNIQUE INDEX uploads_by_external_id ON uploads (tenant, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX uploads_awaited ON uploads (awaited_until) WHERE state = 'awaiting';
-- Tenants take turns.
CREATE INDEX uploads_unsettled_of_tenant ON uploads (tenant, due_at, id) WHERE state IN ('received', 'scanning');

ALTER TABLE outbox ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
UPDATE outbox SET tenant = (SELECT tenant FROM uploads WHERE id = outbox.upload);
ALTER TABLE outbox ADD COLUMN handed_at INTEGER;
CREATE INDEX outbox_pending ON outbox (sequence) WHERE handed_at IS NULL;
CREATE INDEX outbox_handed ON outbox (handed_at) WHERE handed_at IS NOT NULL;

-- A webhook that is to be called with an entry; gone when the call was made.
CREATE TABLE calls (
    sequence INTEGER NOT NULL REFERENCES outbox (sequence),
    webhook  TEXT    NOT NULL,
    upload   TEXT    NOT NULL REFERENCES uploads (id),
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error    TEXT,
    -- NULL: given up.
    due_at   INTEGER,
    PRIMARY KEY (sequence, webhook)
) STRICT, WITHOUT ROWID;

CREATE INDEX calls_due ON calls (due_at, sequence) WHERE due_at IS NOT NULL;
CREATE INDEX calls_of_upload ON calls (webhook, upload, sequence);

-- Who does what only one may do at a time.
CREATE TABLE leaders (
    what   TEXT    NOT NULL PRIMARY KEY,
    holder TEXT    NOT NULL,
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
