-- What administrators decide: policies for people, groups and everyone, custom states, pages that may show presence; and the record of it.
-- Instants are nanoseconds since 1970 in UTC; 0 stands for "none".

-- +goose Up
CREATE TABLE policy_rules (
    name   TEXT   NOT NULL,
    scope  TEXT   NOT NULL,
    who    TEXT   NOT NULL, -- a person's address, a group's id, '' for everyone
    value  TEXT   NOT NULL,
    setter TEXT   NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (name, scope, who)
) WITHOUT ROWID;
CREATE INDEX policy_rules_who ON policy_rules (scope, who);

CREATE TABLE policy_groups (
    id      TEXT   NOT NULL PRIMARY KEY,
    rank    BIGINT NOT NULL,
    name    TEXT   NOT NULL,
    payload TEXT   NOT NULL -- JSON
) WITHOUT ROWID;
CREATE INDEX policy_groups_rank ON policy_groups (rank, name, id);

CREATE TABLE policy_changes (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    at           BIGINT NOT NULL,
    setter       TEXT   NOT NULL,
    what         TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    scope        TEXT   NOT NULL,
    who          TEXT   NOT NULL,
    value_before TEXT   NOT NULL,
    value_after  TEXT   NOT NULL
);

CREATE TABLE custom_states (
    source  TEXT   NOT NULL PRIMARY KEY, -- an address; '' for the set that was uploaded
    payload TEXT   NOT NULL, -- JSON
    xml     BLOB   NOT NULL,
    at      BIGINT NOT NULL,
    setter  TEXT   NOT NULL,
    failed  TEXT   NOT NULL
);

CREATE TABLE presence_origins (
    origin TEXT   NOT NULL PRIMARY KEY,
    setter TEXT   NOT NULL,
    at     BIGINT NOT NULL
) WITHOUT ROWID;
