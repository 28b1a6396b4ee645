-- An item is found, and counted, by each of its reasons: they stand in the index that has the queue in order, and first in
-- the one that is counted from, so that what stands together comes together. No policy's verdict has more than 250 bytes of
-- them; an index takes only so many.
UPDATE reviews SET reasons = reason WHERE octet_length(reasons) > 512;

DROP INDEX reviews_open;
CREATE INDEX reviews_open ON reviews (severity DESC, queued_at, upload)
    INCLUDE (tenant, escalated, reason, media_type, labels, reasons) WHERE status = 'open' AND sealed = 0;
DROP INDEX reviews_counted;
CREATE INDEX reviews_counted ON reviews (reasons, tenant, escalated, reason, media_type, queued_at, held_until)
    INCLUDE (labels) WHERE status = 'open' AND sealed = 0;
