-- What the console shows of many days: counted where it happens, so that no page counts uploads.

CREATE TABLE tallies (
    -- Of what: 'verdict', 'check', 'ruled', …
    what   TEXT    NOT NULL,
    -- Since 1970, in UTC.
    day    INTEGER NOT NULL,
    tenant TEXT    NOT NULL,
    name   TEXT    NOT NULL,
    n      INTEGER NOT NULL CHECK (n > 0),
    PRIMARY KEY (what, day, tenant, name)
) STRICT, WITHOUT ROWID;

-- Who made a version of a policy, and why.
ALTER TABLE policies ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
ALTER TABLE policies ADD COLUMN why TEXT NOT NULL DEFAULT '';

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
    stream TEXT    NOT NULL REFERENCES streams (id),
    number INTEGER NOT NULL CHECK (number > 0),
    hand   TEXT    NOT NULL CHECK (hand IN ('cut', 'clear')),
    reason TEXT    NOT NULL,
    note   TEXT    NOT NULL,
    person TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (stream, number)
) STRICT;

-- Whose sign-in by a provider is whose here.
CREATE TABLE identities (
    issuer  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    person  TEXT    NOT NULL REFERENCES people (id),
    at      INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT;

CREATE UNIQUE INDEX identities_of_person ON identities (person, issuer);

-- Sign-ins by a provider, each of which ends once.
CREATE TABLE ended_sign_ins (
    hash  TEXT    NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT;
