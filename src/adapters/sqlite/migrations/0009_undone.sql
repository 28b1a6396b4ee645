-- Who said what it was of an episode, and when, for as long as that can be taken back. NULL of those from before this was
-- kept.
ALTER TABLE episodes ADD COLUMN ruled_by TEXT;
ALTER TABLE episodes ADD COLUMN ruled_at INTEGER CHECK ((ruled_by IS NULL) = (ruled_at IS NULL));
CREATE INDEX episodes_ruled_by ON episodes (ruled_by, ruled_at) WHERE ruled_by IS NOT NULL;
