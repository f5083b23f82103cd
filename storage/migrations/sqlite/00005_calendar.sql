-- Mirrors of calendars, the changes that wait for the calendar server, and what people set about their calendars.

-- +goose Up
CREATE TABLE calendars (
    id         INTEGER PRIMARY KEY,
    reader     TEXT   NOT NULL,
    owner      TEXT   NOT NULL,
    state      TEXT   NOT NULL, -- the server's sync state; '' from the beginning
    loaded     INT    NOT NULL,
    generation BIGINT NOT NULL,
    sweeping   INT    NOT NULL,
    forbidden  INT    NOT NULL,
    synced_at  BIGINT NOT NULL,
    UNIQUE (reader, owner)
);

CREATE TABLE calendar_entries (
    calendar   BIGINT NOT NULL REFERENCES calendars (id) ON DELETE CASCADE,
    id         TEXT   NOT NULL,
    remote_id  TEXT   NOT NULL,
    uid        TEXT   NOT NULL,
    generation BIGINT NOT NULL,
    starts_at  BIGINT NOT NULL, -- of a series its first start
    ends_at    BIGINT NOT NULL, -- of a series its last end
    lasting    INT    NOT NULL, -- longer than two days, or a series: few, and found by their end
    payload    TEXT   NOT NULL, -- JSON
    PRIMARY KEY (calendar, id)
);
CREATE UNIQUE INDEX calendar_entries_remote ON calendar_entries (calendar, remote_id);
CREATE INDEX calendar_entries_start ON calendar_entries (calendar, lasting, starts_at);
CREATE INDEX calendar_entries_end ON calendar_entries (calendar, lasting, ends_at);
CREATE INDEX calendar_entries_uid ON calendar_entries (calendar, uid);
CREATE INDEX calendar_entries_generation ON calendar_entries (calendar, generation);
CREATE INDEX calendar_entries_id ON calendar_entries (id);

CREATE TABLE calendar_intents (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT   NOT NULL UNIQUE,
    reader     TEXT   NOT NULL,
    owner      TEXT   NOT NULL,
    entry      TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    tries      BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    reason     TEXT   NOT NULL,
    made_at    BIGINT NOT NULL,
    revision   BIGINT NOT NULL,
    payload    TEXT   NOT NULL -- JSON
);
CREATE INDEX calendar_intents_calendar ON calendar_intents (reader, owner, seq);
CREATE INDEX calendar_intents_entry ON calendar_intents (reader, owner, entry, seq);

CREATE TABLE calendar_reminders (
    person    TEXT   NOT NULL,
    id        TEXT   NOT NULL,
    starts_at BIGINT NOT NULL,
    until     BIGINT NOT NULL, -- 0: dismissed
    PRIMARY KEY (person, id)
);
CREATE INDEX calendar_reminders_start ON calendar_reminders (person, starts_at);

CREATE TABLE calendar_shared (
    person   TEXT   NOT NULL,
    owner    TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    shown    INT    NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (person, owner)
);

CREATE TABLE calendar_links (
    person     TEXT   NOT NULL PRIMARY KEY,
    hash       TEXT   NOT NULL UNIQUE, -- SHA-256 of the token in hexadecimal
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL
);

CREATE TABLE calendar_looks (
    person TEXT   NOT NULL PRIMARY KEY,
    at     BIGINT NOT NULL
);
