-- Who is signed in where: browser sessions, the sign-ins they stand for, and the sealed line credentials.

-- +goose Up
CREATE TABLE sessions (
    key        TEXT   NOT NULL PRIMARY KEY, -- SHA-256 of the token in hexadecimal; equals signins.key
    data       BLOB   NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE signins (
    key        TEXT   NOT NULL PRIMARY KEY,
    person     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    agent      TEXT   NOT NULL,
    remote     TEXT   NOT NULL
);
CREATE INDEX signins_person ON signins (person);
CREATE INDEX signins_expiry ON signins (expires_at);

CREATE TABLE lines (
    person   TEXT   NOT NULL PRIMARY KEY,
    sealed   BLOB   NOT NULL,
    saved_at BIGINT NOT NULL
);
