-- Which person's pages forms came from, by the SHA-256 of the token in them: it outlasts the session, so that what is sent
-- after it is its person's still.
CREATE TABLE form_tokens (
    hash    text COLLATE "C" NOT NULL PRIMARY KEY,
    session text COLLATE "C" NOT NULL,
    person  text COLLATE "C" NOT NULL REFERENCES people (id),
    at      bigint NOT NULL
);

CREATE INDEX form_tokens_of_session ON form_tokens (session);
CREATE INDEX form_tokens_of_person ON form_tokens (person);

-- What was sent when the session was over, for its writer to send again.
CREATE TABLE drafts (
    id     text COLLATE "C" NOT NULL PRIMARY KEY,
    person text COLLATE "C" NOT NULL REFERENCES people (id),
    path   text NOT NULL,
    -- Pairs of names and values, as JSON.
    fields text NOT NULL,
    at     bigint NOT NULL,
    until  bigint NOT NULL
);

CREATE INDEX drafts_of_person ON drafts (person, at);

ALTER TABLE form_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE form_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY machine ON form_tokens USING (lazaret_sees('*'));

ALTER TABLE drafts ENABLE ROW LEVEL SECURITY;
ALTER TABLE drafts FORCE ROW LEVEL SECURITY;
CREATE POLICY machine ON drafts USING (lazaret_sees('*'));

GRANT SELECT, INSERT, DELETE ON form_tokens, drafts TO lazaret_app;
