-- What people missed: calls, and messages that came while they were away.
-- Instants are nanoseconds since 1970 in UTC; 0 stands for "none".

-- +goose Up
CREATE TABLE calls (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    owner      TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    sender     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    number     TEXT    NOT NULL,
    call_id    TEXT    NOT NULL,
    at         BIGINT  NOT NULL,
    times      BIGINT  NOT NULL,
    body       TEXT    NOT NULL,
    seen       INTEGER NOT NULL,
    kept       TEXT    NOT NULL, -- whether it is in Exchange
    changed_at BIGINT  NOT NULL,
    item_id    TEXT    NOT NULL, -- Exchange's
    tries      BIGINT  NOT NULL,
    not_before BIGINT  NOT NULL,
    revision   BIGINT  NOT NULL, -- grows with each change, so that one that comes while it is written is not lost
    UNIQUE (owner, id)
);
CREATE INDEX calls_newest ON calls (owner, at, seq);
CREATE INDEX calls_sender ON calls (owner, sender, kind, seq);
CREATE INDEX calls_unseen ON calls (owner, sender) WHERE seen = 0;
CREATE INDEX calls_due ON calls (not_before, seq) WHERE kept = 'waiting';
CREATE INDEX calls_old ON calls (at);

-- The SIP Call-IDs that an entry stands for: somebody may have called several times.
CREATE TABLE call_ids (
    owner   TEXT   NOT NULL,
    call_id TEXT   NOT NULL,
    call    BIGINT NOT NULL REFERENCES calls (seq) ON DELETE CASCADE,
    PRIMARY KEY (owner, call_id)
) WITHOUT ROWID;
CREATE INDEX call_ids_call ON call_ids (call);
