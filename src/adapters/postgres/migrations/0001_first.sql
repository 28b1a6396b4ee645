-- The tables of the SQLite store, column by column. Times are Unix milliseconds, ids are text, structured values are
-- JSON, kept to the byte: digests are taken of it. "C": ids sort and compare by their bytes.

CREATE TABLE uploads (
    id              text   COLLATE "C" NOT NULL PRIMARY KEY,
    tenant          text   COLLATE "C" NOT NULL,
    state           text   NOT NULL CHECK (state IN ('awaiting', 'received', 'scanning', 'published', 'in_review',
                                                     'quarantined', 'erased')),
    version         bigint NOT NULL CHECK (version > 0),
    filename        text,
    declared        text,
    size            bigint NOT NULL CHECK (size >= 0),
    sha256          text   NOT NULL,
    idempotency_key text   COLLATE "C",
    accepted_at     bigint NOT NULL,
    settled_at      bigint,
    -- received: not to be scanned before; scanning: when its lease runs out.
    due_at          bigint,
    fence           bigint NOT NULL DEFAULT 0,
    -- Who holds the lease.
    worker          text,
    attempts        bigint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    waiting_for     text,
    external_id     text   COLLATE "C",
    -- Until when an awaited upload is waited for.
    awaited_until   bigint,
    CHECK ((due_at IS NOT NULL) = (state IN ('received', 'scanning'))),
    CHECK ((worker IS NOT NULL) = (state = 'scanning')),
    CHECK ((settled_at IS NOT NULL) = (state IN ('published', 'in_review', 'quarantined', 'erased'))),
    CHECK (state != 'erased' OR (filename IS NULL AND declared IS NULL AND idempotency_key IS NULL))
);

CREATE UNIQUE INDEX uploads_by_idempotency_key ON uploads (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX uploads_by_external_id ON uploads (tenant, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX uploads_of_tenant ON uploads (tenant, id);
CREATE INDEX uploads_of_tenant_by_state ON uploads (tenant, state, id);
CREATE INDEX uploads_unsettled ON uploads (due_at, id) WHERE state IN ('awaiting', 'received', 'scanning');
-- Tenants take turns.
CREATE INDEX uploads_unsettled_of_tenant ON uploads (tenant, due_at, id) WHERE state IN ('received', 'scanning');
CREATE INDEX uploads_awaited ON uploads (awaited_until) WHERE state = 'awaiting';

-- Verdicts, renditions and entries of the outbox are an upload's own. Their triggers say so for all rows of a statement
-- together, where a foreign key would ask for each; uploads are never deleted.
CREATE TABLE verdicts (
    upload text   COLLATE "C" NOT NULL,
    number bigint NOT NULL CHECK (number > 0),
    detail json   NOT NULL,
    at     bigint NOT NULL,
    PRIMARY KEY (upload, number)
);

CREATE FUNCTION is_of_an_upload() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added a WHERE NOT EXISTS (SELECT FROM uploads u WHERE u.id = a.upload)) THEN
        RAISE EXCEPTION 'there is no such upload' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER verdicts_of_an_upload AFTER INSERT ON verdicts REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION is_of_an_upload();

CREATE TABLE renditions (
    upload     text   COLLATE "C" NOT NULL,
    name       text   NOT NULL CHECK (name IN ('original', 'watermarked', 'thumbnail')),
    key        text   COLLATE "C" NOT NULL,
    media_type text   NOT NULL,
    sha256     text   NOT NULL,
    size       bigint NOT NULL CHECK (size >= 0),
    width      bigint,
    height     bigint,
    PRIMARY KEY (upload, name)
);

CREATE INDEX renditions_by_key ON renditions (key);

-- Law 1, held here too: only a published upload has renditions. The lock makes a change of state wait for the answer.
CREATE FUNCTION renditions_of_published_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (WITH published AS (SELECT u.id FROM uploads u WHERE u.id IN (SELECT a.upload FROM added a)
                                  AND u.state = 'published' FOR SHARE OF u)
               SELECT FROM added a WHERE NOT EXISTS (SELECT FROM published p WHERE p.id = a.upload)) THEN
        RAISE EXCEPTION 'only a published upload has renditions';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER renditions_of_published_only AFTER INSERT ON renditions REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION renditions_of_published_only();
CREATE TRIGGER renditions_stay_of_published AFTER UPDATE ON renditions REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION renditions_of_published_only();

CREATE FUNCTION unpublished_has_no_renditions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM renditions WHERE upload = NEW.id) THEN
        RAISE EXCEPTION 'take the renditions away before the state';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER unpublished_has_no_renditions AFTER UPDATE OF state ON uploads
    FOR EACH ROW WHEN (OLD.state = 'published' AND NEW.state != 'published') EXECUTE FUNCTION unpublished_has_no_renditions();

CREATE TABLE streams (
    id             text   COLLATE "C" NOT NULL PRIMARY KEY,
    tenant         text   COLLATE "C" NOT NULL,
    external_id    text   COLLATE "C",
    opened_at      bigint NOT NULL,
    closed_at      bigint,
    key_hash       bytea  NOT NULL CHECK (length(key_hash) = 32),
    key_expires_at bigint NOT NULL,
    tuning         text   NOT NULL,
    queued         bigint NOT NULL CHECK (queued IN (0, 1)),
    standing       text   NOT NULL CHECK (standing IN ('pass', 'warn', 'cut')),
    because        text   NOT NULL,
    since          bigint NOT NULL,
    watched_until  bigint,
    judged         bigint NOT NULL DEFAULT 0,
    skipped        bigint NOT NULL DEFAULT 0,
    failed         bigint NOT NULL DEFAULT 0,
    late           bigint NOT NULL DEFAULT 0,
    lost           bigint NOT NULL DEFAULT 0,
    -- The number of its last one; 0 before the first.
    episode        bigint NOT NULL DEFAULT 0,
    fence          bigint NOT NULL DEFAULT 0,
    -- Who watches it, and until when.
    holder         text,
    held_until     bigint,
    CHECK ((holder IS NULL) = (held_until IS NULL)),
    CHECK (closed_at IS NULL OR holder IS NULL)
);

CREATE INDEX streams_open ON streams (held_until, id) WHERE closed_at IS NULL;
CREATE INDEX streams_of_tenant ON streams (tenant, id);

CREATE TABLE episodes (
    stream   text   COLLATE "C" NOT NULL REFERENCES streams (id),
    number   bigint NOT NULL CHECK (number > 0),
    tenant   text   COLLATE "C" NOT NULL,
    state    text   NOT NULL CHECK (state IN ('open', 'in_review', 'ruled')),
    began_at bigint NOT NULL,
    ended_at bigint,
    worst    text   NOT NULL CHECK (worst IN ('warn', 'cut')),
    because  text   NOT NULL,
    scores   text   NOT NULL,
    evidence text   NOT NULL,
    PRIMARY KEY (stream, number),
    CHECK ((ended_at IS NULL) = (state = 'open'))
);

CREATE INDEX episodes_of_tenant ON episodes (tenant, stream, number);
CREATE INDEX episodes_of_tenant_by_state ON episodes (tenant, state, stream, number);

CREATE TABLE outbox (
    sequence  bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    -- Or a stream.
    upload    text   COLLATE "C" NOT NULL,
    kind      text   NOT NULL,
    body      json   NOT NULL,
    at        bigint NOT NULL,
    tenant    text   COLLATE "C" NOT NULL DEFAULT '',
    handed_at bigint
);

CREATE FUNCTION is_of_a_subject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added a WHERE NOT EXISTS (SELECT FROM uploads u WHERE u.id = a.upload)
               AND NOT EXISTS (SELECT FROM streams s WHERE s.id = a.upload)) THEN
        RAISE EXCEPTION 'there is no such upload or stream' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER outbox_of_a_subject AFTER INSERT ON outbox REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION is_of_a_subject();

CREATE INDEX outbox_pending ON outbox (sequence) WHERE handed_at IS NULL;
CREATE INDEX outbox_handed ON outbox (handed_at) WHERE handed_at IS NOT NULL;

CREATE TABLE api_keys (
    id         text   COLLATE "C" NOT NULL PRIMARY KEY,
    tenant     text   COLLATE "C" NOT NULL,
    hash       bytea  NOT NULL CHECK (length(hash) = 32),
    scopes     text   NOT NULL,
    created_at bigint NOT NULL,
    revoked_at bigint
);

CREATE TABLE policies (
    tenant  text   COLLATE "C" NOT NULL,
    -- Version 1 is the embedded default, and stored nowhere.
    version bigint NOT NULL CHECK (version > 1),
    text    text   NOT NULL,
    at      bigint NOT NULL,
    PRIMARY KEY (tenant, version)
);

CREATE TABLE audit (
    sequence bigint NOT NULL PRIMARY KEY,
    at       bigint NOT NULL,
    actor    text   NOT NULL,
    action   text   NOT NULL,
    subject  text   NOT NULL,
    detail   text   NOT NULL,
    hash     bytea  NOT NULL CHECK (length(hash) = 32)
);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- The last line there ever was, so that a log that lost its end shows. Only the trigger writes it, as its owner.
CREATE TABLE audit_head (
    sequence bigint NOT NULL,
    hash     bytea  NOT NULL
);
INSERT INTO audit_head VALUES (0, decode(repeat('00', 32), 'hex'));

CREATE FUNCTION audit_has_no_gaps() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    fits bigint;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM added) THEN
        RETURN NULL;
    END IF;
    EXECUTE format('UPDATE %I.audit_head SET sequence = l.last, hash = a.hash
        FROM (SELECT min(sequence) AS first, max(sequence) AS last, count(*) AS lines FROM added) l, added a
        WHERE a.sequence = l.last AND audit_head.sequence = l.first - 1 AND l.last - l.first + 1 = l.lines',
        TG_TABLE_SCHEMA);
    GET DIAGNOSTICS fits = ROW_COUNT;
    IF fits != 1 THEN
        RAISE EXCEPTION 'an audit line follows the last one';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_has_no_gaps AFTER INSERT ON audit REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit_has_no_gaps();

-- The last line, once it is this transaction's turn to append. Asked last before the commit: all others wait. The lock
-- is taken first and the line read after it, by a statement of its own, so that it is not read as it was before.
CREATE FUNCTION audit_turn() RETURNS TABLE (last bigint, last_hash bytea) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1279351379, 2);
    RETURN QUERY SELECT h.sequence, h.hash FROM audit_head h;
END $$;

-- One row that is written to learn whether the store can be.
CREATE TABLE heartbeat (
    "only" bigint NOT NULL PRIMARY KEY CHECK ("only" = 1),
    beats  bigint NOT NULL
);
INSERT INTO heartbeat VALUES (1, 0);

-- A webhook that is to be called with an entry; gone when the call was made.
CREATE TABLE calls (
    sequence bigint NOT NULL REFERENCES outbox (sequence),
    webhook  text   COLLATE "C" NOT NULL,
    upload   text   COLLATE "C" NOT NULL,
    attempts bigint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error    text,
    -- NULL: given up.
    due_at   bigint,
    PRIMARY KEY (sequence, webhook)
);

CREATE INDEX calls_due ON calls (due_at, sequence) WHERE due_at IS NOT NULL;
CREATE INDEX calls_of_upload ON calls (webhook, upload, sequence);

-- Who does what only one may do at a time.
CREATE TABLE leaders (
    what   text   COLLATE "C" NOT NULL PRIMARY KEY,
    holder text   NOT NULL,
    until  bigint NOT NULL
);

-- Row-level security. The service works as lazaret_app, which owns nothing, and says for each transaction whose rows it
-- is about: one tenant's, several's with commas between, or '*' for what concerns the whole machine. A transaction that
-- says nothing sees nothing.
CREATE FUNCTION lazaret_sees(tenant text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(current_setting('lazaret.tenant', true) = '*'
        OR tenant = ANY (string_to_array(current_setting('lazaret.tenant', true), ',')), false)
$$;
CREATE FUNCTION lazaret_is_anyone() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(current_setting('lazaret.tenant', true), '') != ''
$$;

ALTER TABLE uploads ENABLE ROW LEVEL SECURITY;
ALTER TABLE uploads FORCE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON uploads USING (lazaret_sees(tenant));

ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON outbox USING (lazaret_sees(tenant));

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON api_keys USING (lazaret_sees(tenant));

ALTER TABLE policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE policies FORCE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON policies USING (lazaret_sees(tenant));

-- Of these the upload says whose they are.
ALTER TABLE verdicts ENABLE ROW LEVEL SECURITY;
ALTER TABLE verdicts FORCE ROW LEVEL SECURITY;
CREATE POLICY by_upload ON verdicts
    USING (lazaret_sees('*') OR EXISTS (SELECT 1 FROM uploads u WHERE u.id = upload));

ALTER TABLE renditions ENABLE ROW LEVEL SECURITY;
ALTER TABLE renditions FORCE ROW LEVEL SECURITY;
CREATE POLICY by_upload ON renditions
    USING (lazaret_sees('*') OR EXISTS (SELECT 1 FROM uploads u WHERE u.id = upload));

ALTER TABLE calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE calls FORCE ROW LEVEL SECURITY;
CREATE POLICY by_upload ON calls
    USING (lazaret_sees('*') OR EXISTS (SELECT 1 FROM uploads u WHERE u.id = upload)
        OR EXISTS (SELECT 1 FROM streams s WHERE s.id = upload));

ALTER TABLE streams ENABLE ROW LEVEL SECURITY;
ALTER TABLE streams FORCE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON streams USING (lazaret_sees(tenant));

ALTER TABLE episodes ENABLE ROW LEVEL SECURITY;
ALTER TABLE episodes FORCE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON episodes USING (lazaret_sees(tenant));

-- Anybody's deed is put on record; the whole record is for the machine.
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit FORCE ROW LEVEL SECURITY;
CREATE POLICY appended ON audit FOR INSERT WITH CHECK (lazaret_is_anyone());
CREATE POLICY read ON audit FOR SELECT USING (lazaret_sees('*'));

ALTER TABLE leaders ENABLE ROW LEVEL SECURITY;
ALTER TABLE leaders FORCE ROW LEVEL SECURITY;
CREATE POLICY machine ON leaders USING (lazaret_sees('*'));

GRANT SELECT, INSERT, UPDATE ON uploads, api_keys, leaders, streams, episodes TO lazaret_app;
GRANT SELECT, INSERT, UPDATE (detail) ON verdicts TO lazaret_app;
GRANT SELECT, INSERT, DELETE ON renditions TO lazaret_app;
GRANT SELECT, INSERT, UPDATE (handed_at), DELETE ON outbox TO lazaret_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON calls TO lazaret_app;
GRANT SELECT, INSERT ON policies, audit TO lazaret_app;
GRANT SELECT, UPDATE ON heartbeat TO lazaret_app;
GRANT SELECT ON audit_head, schema_version TO lazaret_app;
