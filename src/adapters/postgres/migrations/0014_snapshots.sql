-- The newest frames of streams that somebody looks at from another process than the one that watches them.
CREATE TABLE snapshots (
    stream       text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES streams (id) ON DELETE CASCADE,
    -- Until when it is asked for.
    wanted_until bigint NOT NULL,
    -- Of its bytes, in the held zone; absent before the first.
    key          text,
    media_type   text,
    scores       text,
    at           bigint,
    CHECK ((key IS NULL) = (media_type IS NULL) AND (key IS NULL) = (scores IS NULL) AND (key IS NULL) = (at IS NULL))
);

CREATE INDEX snapshots_wanted ON snapshots (wanted_until);

ALTER TABLE snapshots ENABLE ROW LEVEL SECURITY;
ALTER TABLE snapshots FORCE ROW LEVEL SECURITY;
CREATE POLICY machine ON snapshots USING ((SELECT lazaret_sees('*')));

GRANT SELECT, INSERT, UPDATE, DELETE ON snapshots TO lazaret_app;
