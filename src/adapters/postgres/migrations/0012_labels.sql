-- What an item is taken for, the likeliest label first: one a line, with a line feed at both ends, so that each is found
-- whole. All that a view of the queue asks for stands in the index that has it in order.
ALTER TABLE reviews ADD COLUMN labels text NOT NULL DEFAULT '';

UPDATE reviews SET labels = coalesce((
    SELECT chr(10) || string_agg(key, chr(10) ORDER BY score DESC, key) || chr(10)
    FROM (SELECT l.key, CAST(l.value AS real) AS score FROM verdicts v, json_each_text(v.detail -> 'labels') l
          WHERE v.upload = reviews.upload AND v.number = (SELECT max(number) FROM verdicts WHERE upload = reviews.upload)
            AND CAST(l.value AS real) >= 0.5 AND length(l.key) <= 60 AND strpos(l.key, chr(10)) = 0
          ORDER BY score DESC, l.key LIMIT 8) likely), '');

DROP INDEX reviews_open;
CREATE INDEX reviews_open ON reviews (severity DESC, queued_at, upload)
    INCLUDE (tenant, escalated, reason, media_type, labels) WHERE status = 'open' AND sealed = 0;
DROP INDEX reviews_counted;
CREATE INDEX reviews_counted ON reviews (tenant, escalated, reason, media_type, queued_at, held_until)
    INCLUDE (labels) WHERE status = 'open' AND sealed = 0;
