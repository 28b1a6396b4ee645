-- The sums of many days by name, without a look at each row of the table.
CREATE INDEX tallies_by_name ON tallies (what, name, day, tenant, n);
