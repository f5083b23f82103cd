-- The archive: one row for each person's copy of a message, and each person's list of conversations,
-- kept in step in the same transaction so that neither the list nor the counts ever read the archive.

-- +goose Up
CREATE TABLE messages (
    ord             INTEGER PRIMARY KEY AUTOINCREMENT,
    owner           TEXT    NOT NULL,
    conversation    TEXT    NOT NULL,
    sender          TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    body            TEXT    NOT NULL,
    said_at         BIGINT  NOT NULL,
    stored_at       BIGINT  NOT NULL,
    state           TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    wants_delivered INTEGER NOT NULL,
    wants_read      INTEGER NOT NULL,
    UNIQUE (owner, sender, id)
);
CREATE INDEX messages_conversation ON messages (owner, conversation, ord);
CREATE INDEX messages_pending ON messages (ord) WHERE state = 'pending';

CREATE TABLE conversations (
    owner      TEXT    NOT NULL,
    peer       TEXT    NOT NULL,
    last_ord   BIGINT  NOT NULL REFERENCES messages (ord),
    unread     INTEGER NOT NULL,
    read_up_to BIGINT  NOT NULL,
    PRIMARY KEY (owner, peer)
);
CREATE INDEX conversations_newest ON conversations (owner, last_ord);
CREATE INDEX conversations_unread ON conversations (owner) WHERE unread > 0;
CREATE INDEX conversations_last ON conversations (last_ord); -- the foreign key's own, for retention
