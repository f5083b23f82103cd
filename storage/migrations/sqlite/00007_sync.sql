-- What the synchronisation knows: how far its sources have been read, the copies in the mailboxes, what both sides last agreed,
-- the queue and the logs.

-- +goose Up
CREATE TABLE sync_cursors (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: copies of a forgotten mailbox belong to nothing
    source     TEXT   NOT NULL UNIQUE,            -- 'crm', or the address of a mailbox's owner
    known      INT    NOT NULL,                   -- 0: only copies are, the source was never read
    state      TEXT   NOT NULL,
    loaded     INT    NOT NULL,
    generation BIGINT NOT NULL,
    sweeping   INT    NOT NULL,
    read_at    BIGINT NOT NULL,
    held       INT    NOT NULL
);

CREATE TABLE sync_items (
    mailbox    BIGINT NOT NULL, -- of sync_cursors; where that is gone the copies are, too, and wait for being swept away
    remote_id  TEXT   NOT NULL,
    uid        TEXT   NOT NULL,
    generation BIGINT NOT NULL,
    starts_at  BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    all_day    INT    NOT NULL,
    gone_at    BIGINT NOT NULL, -- 0 while it is there
    read_at    BIGINT NOT NULL,
    payload    TEXT   NOT NULL, -- JSON
    PRIMARY KEY (mailbox, remote_id)
);
CREATE INDEX sync_items_uid ON sync_items (uid) WHERE uid <> '';
CREATE INDEX sync_items_generation ON sync_items (mailbox, generation) WHERE gone_at = 0;
CREATE INDEX sync_items_alike ON sync_items (mailbox, starts_at, ends_at, all_day) WHERE gone_at = 0;

-- The mailboxes whose copies are to be swept away.
CREATE TABLE sync_dropped (
    mailbox INTEGER PRIMARY KEY
);

CREATE TABLE sync_pairs (
    crm        TEXT   NOT NULL PRIMARY KEY,
    uid        TEXT   NOT NULL,
    mailbox    TEXT   NOT NULL,
    remote_id  TEXT   NOT NULL,
    change_key TEXT   NOT NULL,
    revision   BIGINT NOT NULL,
    agreed     BLOB   NOT NULL,
    invited    INT    NOT NULL,
    state      TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    version    BIGINT NOT NULL
);
CREATE UNIQUE INDEX sync_pairs_uid ON sync_pairs (uid) WHERE uid <> '';

CREATE TABLE sync_jobs (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    key        TEXT   NOT NULL,
    direction  TEXT   NOT NULL,
    mailbox    TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    starts_at  BIGINT NOT NULL,
    state      TEXT   NOT NULL,
    tries      BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    ready      INT    NOT NULL, -- 1 where not_before has come: a due job is found without reading those that are not
    reason     TEXT   NOT NULL,
    cause      TEXT   NOT NULL,
    made_at    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    quiet      INT    NOT NULL,
    renewals   BIGINT NOT NULL,
    words      TEXT   NOT NULL, -- subject, key and cause in lower case
    UNIQUE (key, direction)
);
CREATE INDEX sync_jobs_due ON sync_jobs (mailbox, starts_at DESC, seq) WHERE state = 'waiting' AND ready = 1;
CREATE INDEX sync_jobs_later ON sync_jobs (not_before) WHERE state = 'waiting' AND ready = 0;
CREATE INDEX sync_jobs_retrying ON sync_jobs (seq) WHERE state = 'waiting' AND tries > 0;
CREATE INDEX sync_jobs_parked ON sync_jobs (state, seq) WHERE state <> 'waiting';
CREATE INDEX sync_jobs_mailbox ON sync_jobs (mailbox, seq);

CREATE TABLE sync_log (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    at        BIGINT NOT NULL,
    direction TEXT   NOT NULL,
    what      TEXT   NOT NULL,
    result    TEXT   NOT NULL,
    mailbox   TEXT   NOT NULL,
    crm       TEXT   NOT NULL,
    words     TEXT   NOT NULL, -- subject, CRM id, UID, mailbox and cause in lower case
    payload   TEXT   NOT NULL  -- JSON
);
CREATE INDEX sync_log_at ON sync_log (at);
CREATE INDEX sync_log_mailbox ON sync_log (mailbox, seq);
CREATE INDEX sync_log_crm ON sync_log (crm, seq) WHERE crm <> '';
CREATE INDEX sync_log_result ON sync_log (result, seq);

CREATE TABLE sync_conflicts (
    id      TEXT   NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    crm     TEXT   NOT NULL,
    payload TEXT   NOT NULL -- JSON
);
CREATE INDEX sync_conflicts_at ON sync_conflicts (at, id);
CREATE INDEX sync_conflicts_crm ON sync_conflicts (crm, at, id);

CREATE TABLE sync_blobs (
    name     TEXT   NOT NULL PRIMARY KEY,
    data     BLOB   NOT NULL,
    revision BIGINT NOT NULL
);
