-- Whoever is reset may come by another id of the provider's.
GRANT DELETE ON identities TO lazaret_app;
