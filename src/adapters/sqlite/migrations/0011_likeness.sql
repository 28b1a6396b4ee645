-- What a picture looks like, in 64 bits, and 16 of them at a time: pictures that look alike have some of these in common.
-- Columns of their own, for under row security PostgreSQL asks an index only by what it knows to tell nothing (equality
-- does; shifts and masks do not). Reviews of before this have none.
ALTER TABLE reviews ADD COLUMN likeness INTEGER;
ALTER TABLE reviews ADD COLUMN like_0 INTEGER;
ALTER TABLE reviews ADD COLUMN like_1 INTEGER;
ALTER TABLE reviews ADD COLUMN like_2 INTEGER;
ALTER TABLE reviews ADD COLUMN like_3 INTEGER;
CREATE INDEX reviews_like_0 ON reviews (like_0);
CREATE INDEX reviews_like_1 ON reviews (like_1);
CREATE INDEX reviews_like_2 ON reviews (like_2);
CREATE INDEX reviews_like_3 ON reviews (like_3);
