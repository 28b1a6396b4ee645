-- Who may see a row is asked of the connection once for each statement: a scalar subquery that hangs on no row is run
-- once, where a function of the row's tenant reads the setting anew for every row.
CREATE FUNCTION lazaret_seen() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT string_to_array(coalesce(current_setting('lazaret.tenant', true), ''), ',')
$$;

ALTER POLICY by_tenant ON uploads
    USING ((SELECT lazaret_sees('*')) OR tenant = ANY ((SELECT lazaret_seen())::text[]));
ALTER POLICY by_tenant ON outbox
    USING ((SELECT lazaret_sees('*')) OR tenant = ANY ((SELECT lazaret_seen())::text[]));
ALTER POLICY by_tenant ON api_keys
    USING ((SELECT lazaret_sees('*')) OR tenant = ANY ((SELECT lazaret_seen())::text[]));
ALTER POLICY by_tenant ON policies
    USING ((SELECT lazaret_sees('*')) OR tenant = ANY ((SELECT lazaret_seen())::text[]));
ALTER POLICY by_tenant ON streams
    USING ((SELECT lazaret_sees('*')) OR tenant = ANY ((SELECT lazaret_seen())::text[]));
ALTER POLICY by_tenant ON episodes
    USING ((SELECT lazaret_sees('*')) OR tenant = ANY ((SELECT lazaret_seen())::text[]));
ALTER POLICY by_tenant ON reviews
    USING ((SELECT lazaret_sees('*')) OR tenant = ANY ((SELECT lazaret_seen())::text[]));
ALTER POLICY by_tenant ON tallies
    USING ((SELECT lazaret_sees('*')) OR tenant = ANY ((SELECT lazaret_seen())::text[]));

ALTER POLICY by_upload ON verdicts
    USING ((SELECT lazaret_sees('*')) OR EXISTS (SELECT 1 FROM uploads u WHERE u.id = upload));
ALTER POLICY by_upload ON renditions
    USING ((SELECT lazaret_sees('*')) OR EXISTS (SELECT 1 FROM uploads u WHERE u.id = upload));
ALTER POLICY by_upload ON rulings
    USING ((SELECT lazaret_sees('*')) OR EXISTS (SELECT 1 FROM uploads u WHERE u.id = upload));
ALTER POLICY by_upload ON reports
    USING ((SELECT lazaret_sees('*')) OR EXISTS (SELECT 1 FROM uploads u WHERE u.id = upload));
ALTER POLICY by_upload ON appeals
    USING ((SELECT lazaret_sees('*')) OR EXISTS (SELECT 1 FROM uploads u WHERE u.id = upload));
ALTER POLICY by_upload ON calls
    USING ((SELECT lazaret_sees('*')) OR EXISTS (SELECT 1 FROM uploads u WHERE u.id = upload)
        OR EXISTS (SELECT 1 FROM streams s WHERE s.id = upload));
ALTER POLICY by_stream ON stream_rulings
    USING ((SELECT lazaret_sees('*')) OR EXISTS (SELECT 1 FROM streams s WHERE s.id = stream));

ALTER POLICY machine ON leaders USING ((SELECT lazaret_sees('*')));
ALTER POLICY machine ON people USING ((SELECT lazaret_sees('*')));
ALTER POLICY machine ON sessions USING ((SELECT lazaret_sees('*')));
ALTER POLICY machine ON links USING ((SELECT lazaret_sees('*')));
ALTER POLICY machine ON tries USING ((SELECT lazaret_sees('*')));
ALTER POLICY machine ON identities USING ((SELECT lazaret_sees('*')));
ALTER POLICY machine ON ended_sign_ins USING ((SELECT lazaret_sees('*')));
ALTER POLICY machine ON views USING ((SELECT lazaret_sees('*')));
ALTER POLICY machine ON lifts USING ((SELECT lazaret_sees('*')));
ALTER POLICY read ON audit USING ((SELECT lazaret_sees('*')));
