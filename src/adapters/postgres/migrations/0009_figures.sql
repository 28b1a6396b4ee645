-- What insight sums, read from indexes alone: the sums of many days by name, and the ages of what waits.
CREATE INDEX tallies_by_name ON tallies (what, name, day, tenant) INCLUDE (n);
DROP INDEX reviews_oldest;
CREATE INDEX reviews_oldest ON reviews (queued_at, tenant) WHERE status = 'open' AND sealed = 0;
