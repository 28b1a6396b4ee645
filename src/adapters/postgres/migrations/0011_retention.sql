-- Live streams end: those that were closed, and episodes that a person ruled on, are erased after a while, and a tenant has
-- only so many open at a time.
CREATE INDEX streams_open_of_tenant ON streams (tenant) WHERE closed_at IS NULL;
CREATE INDEX streams_closed ON streams (closed_at) WHERE closed_at IS NOT NULL;
-- Those that were ruled on before it was kept when ended before that.
CREATE INDEX episodes_ruled ON episodes (coalesce(ruled_at, ended_at)) WHERE state = 'ruled';
-- How many lines a stream that flaps has in the audit log of one hour, and since when that hour is.
ALTER TABLE streams ADD COLUMN lines bigint NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN lines_since bigint NOT NULL DEFAULT 0;
-- The numbers of the last frames that were taken, of those that are posted and of those from the broker: 64 bits each.
ALTER TABLE streams ADD COLUMN last_posted bigint;
ALTER TABLE streams ADD COLUMN last_fed bigint;
GRANT DELETE ON streams, episodes, stream_rulings TO lazaret_app;
