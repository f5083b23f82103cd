-- What went wrong with sign-ins and connections, and what works again.
-- Instants are nanoseconds since 1970 in UTC; 0 stands for "none".

-- +goose Up
CREATE TABLE incidents (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT, -- in the order of time: a line that happens again gets a new one
    person TEXT    NOT NULL,
    at     BIGINT  NOT NULL,
    part   TEXT    NOT NULL,
    good   INTEGER NOT NULL,
    cause  TEXT    NOT NULL,
    detail TEXT    NOT NULL,
    remote TEXT    NOT NULL,
    times  BIGINT  NOT NULL
);
CREATE INDEX incidents_person ON incidents (person, seq);
CREATE INDEX incidents_part ON incidents (person, part, seq);
CREATE INDEX incidents_at ON incidents (at);
