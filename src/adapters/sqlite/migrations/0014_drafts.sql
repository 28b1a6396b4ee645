-- Which person's pages forms came from, by the SHA-256 of the token in them: it outlasts the session, so that what is sent
-- after it is its person's still.
CREATE TABLE form_tokens (
    hash    TEXT NOT NULL PRIMARY KEY,
    session TEXT NOT NULL,
    person  TEXT NOT NULL REFERENCES people (id),
    at      INTEGER NOT NULL
) STRICT;

CREATE INDEX form_tokens_of_session ON form_tokens (session);
CREATE INDEX form_tokens_of_person ON form_tokens (person);

-- What was sent when the session was over, for its writer to send again.
CREATE TABLE drafts (
    id     TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL REFERENCES people (id),
    path   TEXT NOT NULL,
    -- Pairs of names and values, as JSON.
    fields TEXT NOT NULL,
    at     INTEGER NOT NULL,
    until  INTEGER NOT NULL
) STRICT;

CREATE INDEX drafts_of_person ON drafts (person, at);
