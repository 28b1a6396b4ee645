-- What a picture looks like, in 64 bits, and 16 of them at a time: pictures that look alike have some of these in common.
-- Those of before this have none.
ALTER TABLE reviews ADD COLUMN likeness bigint;
CREATE INDEX reviews_like_0 ON reviews ((likeness & 65535));
CREATE INDEX reviews_like_1 ON reviews (((likeness >> 16) & 65535));
CREATE INDEX reviews_like_2 ON reviews (((likeness >> 32) & 65535));
CREATE INDEX reviews_like_3 ON reviews (((likeness >> 48) & 65535));
