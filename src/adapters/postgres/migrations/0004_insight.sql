-- What the console shows of many days: counted where it happens, so that no page counts uploads.

CREATE TABLE tallies (
    -- Of what: 'verdict', 'check', 'ruled', …
    what   text   COLLATE "C" NOT NULL,
    -- Since 1970, in UTC.
    day    bigint NOT NULL,
    tenant text   COLLATE "C" NOT NULL,
    name   text   COLLATE "C" NOT NULL,
    n      bigint NOT NULL CHECK (n > 0),
    PRIMARY KEY (what, day, tenant, name)
);

-- Who made a version of a policy, and why.
ALTER TABLE policies ADD COLUMN made_by text NOT NULL DEFAULT '';
ALTER TABLE policies ADD COLUMN why text NOT NULL DEFAULT '';

-- All that a view of the queue filters and counts by.
CREATE INDEX reviews_counted ON reviews (tenant, escalated, reason, media_type, queued_at, held_until)
    WHERE status = 'open' AND sealed = 0;
CREATE INDEX reviews_sealed ON reviews (upload) WHERE sealed = 1;
CREATE INDEX rulings_of_person ON rulings (person, standing, at);
CREATE INDEX uploads_by_sha256 ON uploads (sha256, id);
CREATE INDEX uploads_hindered ON uploads (waiting_for) WHERE waiting_for IS NOT NULL;
CREATE INDEX audit_by_subject ON audit (subject, sequence);
CREATE INDEX audit_by_actor ON audit (actor, sequence);

-- What people decide on live streams.
CREATE TABLE stream_rulings (
    stream text   COLLATE "C" NOT NULL REFERENCES streams (id),
    number bigint NOT NULL CHECK (number > 0),
    hand   text   COLLATE "C" NOT NULL CHECK (hand IN ('cut', 'clear')),
    reason text   COLLATE "C" NOT NULL,
    note   text   NOT NULL,
    person text   COLLATE "C" NOT NULL,
    at     bigint NOT NULL,
    PRIMARY KEY (stream, number)
);

-- Whose sign-in by a provider is whose here.
CREATE TABLE identities (
    issuer  text   COLLATE "C" NOT NULL,
    subject text   COLLATE "C" NOT NULL,
    person  text   COLLATE "C" NOT NULL REFERENCES people (id),
    at      bigint NOT NULL,
    PRIMARY KEY (issuer, subject)
);

CREATE UNIQUE INDEX identities_of_person ON identities (person, issuer);

-- Sign-ins by a provider, each of which ends once.
CREATE TABLE ended_sign_ins (
    hash  text   COLLATE "C" NOT NULL PRIMARY KEY,
    until bigint NOT NULL
);

ALTER TABLE tallies ENABLE ROW LEVEL SECURITY;
ALTER TABLE tallies FORCE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON tallies USING (lazaret_sees(tenant));

ALTER TABLE stream_rulings ENABLE ROW LEVEL SECURITY;
ALTER TABLE stream_rulings FORCE ROW LEVEL SECURITY;
CREATE POLICY by_stream ON stream_rulings
    USING (lazaret_sees('*') OR EXISTS (SELECT 1 FROM streams s WHERE s.id = stream));

ALTER TABLE identities ENABLE ROW LEVEL SECURITY;
ALTER TABLE identities FORCE ROW LEVEL SECURITY;
CREATE POLICY machine ON identities USING (lazaret_sees('*'));

ALTER TABLE ended_sign_ins ENABLE ROW LEVEL SECURITY;
ALTER TABLE ended_sign_ins FORCE ROW LEVEL SECURITY;
CREATE POLICY machine ON ended_sign_ins USING (lazaret_sees('*'));

GRANT SELECT, INSERT ON identities TO lazaret_app;
GRANT SELECT, INSERT, DELETE ON ended_sign_ins TO lazaret_app;
GRANT SELECT, INSERT, UPDATE ON tallies TO lazaret_app;
GRANT SELECT, INSERT ON stream_rulings TO lazaret_app;
