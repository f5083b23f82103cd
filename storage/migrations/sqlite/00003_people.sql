-- What a person keeps with the portal: choices, contacts, their state by hand and note.

-- +goose Up
CREATE TABLE settings (
    person        TEXT    NOT NULL PRIMARY KEY,
    locale        TEXT    NOT NULL,
    time_zone     TEXT    NOT NULL,
    theme         TEXT    NOT NULL,
    sound         INTEGER NOT NULL,
    notifications INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE contacts (
    owner        TEXT   NOT NULL,
    uri          TEXT   NOT NULL,
    display_name TEXT   NOT NULL,
    group_name   TEXT   NOT NULL,
    relationship TEXT   NOT NULL,
    added_at     BIGINT NOT NULL,
    PRIMARY KEY (owner, uri)
) WITHOUT ROWID;

-- Whose contact list has been filled once: what they removed since must not come back.
CREATE TABLE contacts_seeded (
    owner TEXT   NOT NULL PRIMARY KEY,
    at    BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE presence_manual (
    person       TEXT   NOT NULL PRIMARY KEY,
    availability TEXT   NOT NULL,
    activity     TEXT   NOT NULL,
    note         TEXT,
    until        BIGINT NOT NULL,
    set_at       BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE presence_note (
    person TEXT NOT NULL PRIMARY KEY,
    note   TEXT NOT NULL
) WITHOUT ROWID;
