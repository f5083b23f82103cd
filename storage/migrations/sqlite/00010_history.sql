-- The history: the archive cut into episodes, its full text, what is to be written to Exchange, legal holds and the record of exports.
-- What is in the archive already is indexed in the background, newest first (history_fill).
-- Instants are nanoseconds since 1970 in UTC; 0 stands for "none".

-- +goose Up

-- 0: not indexed yet. A copy's moment is when it was said, made unique: it names the copy in the full text, which so is in the order of time.
ALTER TABLE messages ADD COLUMN episode BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN moment BIGINT NOT NULL DEFAULT 0;

CREATE TABLE history_fill (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    next BIGINT  NOT NULL -- messages above it are indexed; 0: all are
);
INSERT INTO history_fill (one, next) SELECT 1, COALESCE(MAX(ord), 0) FROM messages;

-- The scopes of the full text.
CREATE TABLE history_owners (
    num   INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT    NOT NULL UNIQUE
);

CREATE TABLE history_peers (
    num   INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT    NOT NULL,
    peer  TEXT    NOT NULL,
    room  INTEGER NOT NULL, -- 1: a room of the SIP server, known by people who speak there
    UNIQUE (owner, peer)
);
CREATE INDEX history_peers_rooms ON history_peers (owner) WHERE room = 1;

CREATE TABLE history_moments (
    moment INTEGER PRIMARY KEY,
    ord    BIGINT  NOT NULL
);

-- The words of the copies behind the scope of their owner: six letters, so that the beginnings of one to eight letters are known directly.
CREATE VIRTUAL TABLE history_words USING fts5 (words, content = '', contentless_delete = 1, tokenize = 'ascii', prefix = '7 8 9 10 11 12 13 14');

CREATE TABLE history_episodes (
    num       INTEGER PRIMARY KEY AUTOINCREMENT,
    owner     TEXT    NOT NULL,
    peer      TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    start_at  BIGINT  NOT NULL,
    end_at    BIGINT  NOT NULL,
    first_ord BIGINT  NOT NULL,
    last_ord  BIGINT  NOT NULL,
    messages  BIGINT  NOT NULL,
    hidden    INTEGER NOT NULL -- 1: its owner deleted it while under hold; its copies are in history_held
);
CREATE INDEX history_episodes_near ON history_episodes (owner, peer, start_at);
CREATE INDEX history_episodes_peer ON history_episodes (owner, peer, end_at, num);
CREATE INDEX history_episodes_kind ON history_episodes (owner, kind, end_at, num);
CREATE INDEX history_episodes_hidden ON history_episodes (owner) WHERE hidden = 1;

CREATE TABLE history_lines (
    episode BIGINT NOT NULL REFERENCES history_episodes (num),
    ord     BIGINT NOT NULL,
    moment  BIGINT NOT NULL,
    PRIMARY KEY (episode, ord)
) WITHOUT ROWID;

-- The episodes of lasting rooms and groups, one set for all who read there; and those that somebody does not want to see.
CREATE TABLE history_room_episodes (
    num         INTEGER PRIMARY KEY AUTOINCREMENT,
    room        BIGINT  NOT NULL REFERENCES rooms (num),
    start_at    BIGINT  NOT NULL,
    end_at      BIGINT  NOT NULL,
    first_place BIGINT  NOT NULL,
    last_place  BIGINT  NOT NULL,
    UNIQUE (room, first_place)
);
CREATE INDEX history_room_episodes_end ON history_room_episodes (room, end_at, num);
CREATE TABLE history_unseen (
    owner   TEXT   NOT NULL,
    episode BIGINT NOT NULL REFERENCES history_room_episodes (num),
    PRIMARY KEY (owner, episode)
) WITHOUT ROWID;
CREATE INDEX history_unseen_episode ON history_unseen (episode);

-- What is in Exchange of the episodes; of a room's episode the number is negative.
CREATE TABLE history_notes (
    owner      TEXT    NOT NULL,
    episode    BIGINT  NOT NULL,
    stamp      TEXT    NOT NULL UNIQUE,
    revision   BIGINT  NOT NULL,
    changed_at BIGINT  NOT NULL,
    waiting    INTEGER NOT NULL,
    state      TEXT    NOT NULL, -- '', 'refused', or 'left': the owner has deleted the item
    reason     TEXT    NOT NULL,
    item       TEXT    NOT NULL,
    change_key TEXT    NOT NULL,
    begun      INTEGER NOT NULL,
    tries      INTEGER NOT NULL,
    kept_to    BIGINT  NOT NULL, -- up to there it is decided what is kept
    skip       TEXT    NOT NULL, -- "first-last" of what is not to be kept, a space between
    gone       INTEGER NOT NULL, -- 1: the item is to be deleted
    PRIMARY KEY (owner, episode)
) WITHOUT ROWID;
CREATE INDEX history_notes_waiting ON history_notes (owner, changed_at, episode) WHERE waiting = 1;

-- Mailboxes for which something waits: since when, and not before when they are tried.
CREATE TABLE history_boxes (
    owner      TEXT   NOT NULL PRIMARY KEY,
    oldest_at  BIGINT NOT NULL,
    not_before BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX history_boxes_oldest ON history_boxes (oldest_at);

CREATE TABLE history_holds (
    who    TEXT   NOT NULL PRIMARY KEY,
    reason TEXT   NOT NULL,
    setter TEXT   NOT NULL,
    at     BIGINT NOT NULL
) WITHOUT ROWID;

-- Copies that people under hold have deleted.
CREATE TABLE history_held (
    episode BIGINT NOT NULL,
    ord     BIGINT NOT NULL,
    owner   TEXT   NOT NULL,
    sender  TEXT   NOT NULL,
    body    TEXT   NOT NULL,
    said_at BIGINT NOT NULL,
    PRIMARY KEY (episode, ord)
) WITHOUT ROWID;
CREATE INDEX history_held_owner ON history_held (owner);

CREATE TABLE history_exports (
    num      INTEGER PRIMARY KEY AUTOINCREMENT,
    at       BIGINT  NOT NULL,
    setter   TEXT    NOT NULL,
    who      TEXT    NOT NULL,
    what     TEXT    NOT NULL,
    from_at  BIGINT  NOT NULL,
    to_at    BIGINT  NOT NULL,
    format   TEXT    NOT NULL,
    messages BIGINT  NOT NULL,
    reason   TEXT    NOT NULL
);
