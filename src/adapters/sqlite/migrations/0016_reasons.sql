-- An item is found, and counted, by each of its reasons: they stand in the index that has the queue in order, and first in
-- the one that is counted from, so that what stands together comes together.
DROP INDEX reviews_open;
CREATE INDEX reviews_open
    ON reviews (severity DESC, queued_at, upload, tenant, escalated, reason, media_type, labels, reasons)
    WHERE status = 'open' AND sealed = 0;
DROP INDEX reviews_counted;
CREATE INDEX reviews_counted ON reviews (reasons, tenant, escalated, reason, media_type, queued_at, held_until, labels)
    WHERE status = 'open' AND sealed = 0;
