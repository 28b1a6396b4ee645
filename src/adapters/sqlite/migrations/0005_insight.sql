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
