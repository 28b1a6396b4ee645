-- Streams whose frames are fetched: from where, and how that goes (JSON).
ALTER TABLE streams ADD COLUMN source text COLLATE "C";
ALTER TABLE streams ADD COLUMN pull text;

-- What a person said of an episode (JSON).
ALTER TABLE episodes ADD COLUMN ruling text;
CREATE INDEX episodes_in_review ON episodes (worst, began_at) WHERE state = 'in_review';
