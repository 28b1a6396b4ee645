-- Who of a tenant's users sent an upload, and episodes of live streams as items like others.

-- The application's own name for them.
ALTER TABLE uploads ADD COLUMN uploader text COLLATE "C";
CREATE INDEX uploads_of_uploader ON uploads (tenant, uploader, id) WHERE uploader IS NOT NULL;

-- What users wait for an answer to, for those who look for it in the queue.
CREATE INDEX reports_waiting ON reports (upload) WHERE outcome IS NULL;

-- Who looks at it, until when.
ALTER TABLE episodes ADD COLUMN holder text COLLATE "C";
ALTER TABLE episodes ADD COLUMN held_until bigint CHECK ((holder IS NULL) = (held_until IS NULL));
-- Grows with every claim.
ALTER TABLE episodes ADD COLUMN fence bigint NOT NULL DEFAULT 0;

-- How the stream stood before. NULL of those from before this was kept.
ALTER TABLE stream_rulings ADD COLUMN stood text COLLATE "C" CHECK (stood IN ('pass', 'warn', 'cut'));
CREATE INDEX stream_rulings_of_person ON stream_rulings (person, at);

-- What is looked at is an upload, or an episode: the stream's id, a slash and its number.
ALTER TABLE views DROP CONSTRAINT views_upload_fkey;
ALTER TABLE views RENAME COLUMN upload TO subject;
