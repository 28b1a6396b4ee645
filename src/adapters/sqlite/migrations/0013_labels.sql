-- What an item is taken for, the likeliest label first: one a line, with a line feed at both ends, so that each is found
-- whole. All that a view of the queue asks for stands in the index that has it in order.
ALTER TABLE reviews ADD COLUMN labels TEXT NOT NULL DEFAULT '';

UPDATE reviews SET labels = coalesce((
    SELECT char(10) || group_concat(key, char(10)) || char(10)
    FROM (SELECT l.key AS key FROM verdicts v, json_each(v.detail, '$.labels') l
          WHERE v.upload = reviews.upload AND v.number = (SELECT max(number) FROM verdicts WHERE upload = reviews.upload)
            AND l.value >= 0.5 AND length(l.key) <= 60 AND instr(l.key, char(10)) = 0
          ORDER BY l.value DESC, l.key LIMIT 8)), '');

DROP INDEX reviews_open;
CREATE INDEX reviews_open ON reviews (severity DESC, queued_at, upload, tenant, escalated, reason, media_type, labels)
    WHERE status = 'open' AND sealed = 0;
DROP INDEX reviews_counted;
CREATE INDEX reviews_counted ON reviews (tenant, escalated, reason, media_type, queued_at, held_until, labels)
    WHERE status = 'open' AND sealed = 0;
