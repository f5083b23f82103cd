-- The audit trail: who did what, to what or to whom, from where, and how it ended.
-- Instants are nanoseconds since 1970 in UTC.

-- +goose Up
CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    at      BIGINT NOT NULL,
    kind    TEXT   NOT NULL,
    actor   TEXT   NOT NULL, -- an address; '' for nobody known, or the portal itself
    about   TEXT   NOT NULL, -- an address; '' where it is about nobody else
    subject TEXT   NOT NULL,
    detail  TEXT   NOT NULL,
    remote  TEXT   NOT NULL,
    agent   TEXT   NOT NULL,
    request TEXT   NOT NULL,
    result  TEXT   NOT NULL
);
CREATE INDEX audit_at ON audit (at, seq);
CREATE INDEX audit_actor ON audit (actor, at, seq);
CREATE INDEX audit_about ON audit (about, at, seq);
CREATE INDEX audit_kind ON audit (kind, at, seq);

-- The record of policies goes with the trail when it is too old.
CREATE INDEX policy_changes_at ON policy_changes (at);
