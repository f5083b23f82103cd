-- What people had begun to write, and where they were last, so that they go on there in another session.
-- Instants are nanoseconds since 1970 in UTC.

-- +goose Up
CREATE TABLE drafts (
    owner        TEXT   NOT NULL,
    conversation TEXT   NOT NULL,
    text         TEXT   NOT NULL, -- empty: it was sent or deleted, so that an older text does not come back
    at           BIGINT NOT NULL,
    PRIMARY KEY (owner, conversation)
) WITHOUT ROWID;
CREATE INDEX drafts_age ON drafts (owner, at);
CREATE INDEX drafts_old ON drafts (at);

CREATE TABLE last_places (
    person TEXT   PRIMARY KEY,
    path   TEXT   NOT NULL,
    at     BIGINT NOT NULL
) WITHOUT ROWID;
