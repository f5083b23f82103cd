-- Rooms, who is in them, and what is said there: one row for a message however many read it, and one row of the event log's audience
-- for all who follow a room.
-- Instants are nanoseconds since 1970 in UTC; 0 stands for "none".

-- +goose Up

-- Whose events are a person's too: those of an audience (a room's address stands as the person in event_audience) with
-- from_seq < seq <= to_seq. While somebody follows, to_seq is the greatest number there is.
CREATE TABLE event_follow (
    person   TEXT   NOT NULL,
    audience TEXT   NOT NULL,
    from_seq BIGINT NOT NULL,
    to_seq   BIGINT NOT NULL,
    PRIMARY KEY (person, audience, from_seq)
) WITHOUT ROWID;
CREATE INDEX event_follow_audience ON event_follow (audience, to_seq);
CREATE INDEX event_follow_ended ON event_follow (to_seq) WHERE to_seq < 9223372036854775807;

CREATE TABLE rooms (
    num             INTEGER PRIMARY KEY AUTOINCREMENT,
    uri             TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    title           TEXT    NOT NULL,
    topic           TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    access          TEXT    NOT NULL,
    presenters_only INTEGER NOT NULL,
    history_days    BIGINT  NOT NULL,
    archived        INTEGER NOT NULL,
    members         BIGINT  NOT NULL,
    last_place      BIGINT  NOT NULL,
    last_at         BIGINT  NOT NULL,
    last_pin        BIGINT  NOT NULL, -- numbers the pins in the order in which they were set
    created_by      TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    version         BIGINT  NOT NULL
);

-- Addresses that rooms had before: nobody else gets them.
CREATE TABLE room_former (
    uri  TEXT   NOT NULL PRIMARY KEY,
    room BIGINT NOT NULL REFERENCES rooms (num)
) WITHOUT ROWID;

CREATE TABLE room_members (
    room       BIGINT  NOT NULL REFERENCES rooms (num),
    who        TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    notify     TEXT    NOT NULL,
    sip        INTEGER NOT NULL,
    first      BIGINT  NOT NULL,
    read_up_to BIGINT  NOT NULL,
    joined_at  BIGINT  NOT NULL,
    PRIMARY KEY (room, who)
) WITHOUT ROWID;

CREATE TABLE room_messages (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which all rooms' messages were stored; names the row in room_words
    room         BIGINT  NOT NULL REFERENCES rooms (num),
    place        BIGINT  NOT NULL,
    sender       TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    said_at      BIGINT  NOT NULL,
    stored_at    BIGINT  NOT NULL,
    replies      BIGINT  NOT NULL,
    edited_at    BIGINT  NOT NULL,
    deleted_at   BIGINT  NOT NULL,
    deleted_by   TEXT    NOT NULL,
    pin          BIGINT  NOT NULL, -- grows with each pin of the room; 0: not pinned
    mentions     TEXT    NOT NULL, -- addresses, one on a line
    mentions_all INTEGER NOT NULL,
    files        INTEGER NOT NULL, -- 1: room_files has some of it
    reactions    INTEGER NOT NULL, -- 1: room_reactions has some of it
    version      BIGINT  NOT NULL,
    UNIQUE (room, place),
    UNIQUE (room, sender, id)
);
CREATE INDEX room_messages_at ON room_messages (room, said_at, place);
CREATE INDEX room_messages_pinned ON room_messages (room, pin) WHERE pin > 0;

-- The words of the messages behind the scope of their room: six letters, so that the beginnings of one to three letters are known directly.
CREATE VIRTUAL TABLE room_words USING fts5 (words, content = '', contentless_delete = 1, tokenize = 'ascii', prefix = '7 8 9');

CREATE TABLE room_reactions (
    room  BIGINT NOT NULL,
    place BIGINT NOT NULL,
    num   BIGINT NOT NULL, -- the order in which they were put there
    sign  TEXT   NOT NULL,
    who   TEXT   NOT NULL,
    PRIMARY KEY (room, place, num),
    UNIQUE (room, place, sign, who)
) WITHOUT ROWID;

CREATE TABLE room_files (
    id     TEXT   NOT NULL PRIMARY KEY,
    room   BIGINT NOT NULL REFERENCES rooms (num),
    who    TEXT   NOT NULL,
    place  BIGINT NOT NULL, -- 0: it waits for its message
    pos    BIGINT NOT NULL, -- which of the message's files it is
    name   TEXT   NOT NULL,
    type   TEXT   NOT NULL,
    size   BIGINT NOT NULL,
    width  BIGINT NOT NULL,
    height BIGINT NOT NULL,
    blob   TEXT   NOT NULL,
    at     BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX room_files_message ON room_files (room, place, pos) WHERE place > 0;
CREATE INDEX room_files_waiting ON room_files (at) WHERE place = 0;
CREATE INDEX room_files_blob ON room_files (blob);

-- Unread messages that name somebody.
CREATE TABLE room_mentions (
    room  BIGINT NOT NULL REFERENCES rooms (num),
    who   TEXT   NOT NULL,
    place BIGINT NOT NULL,
    PRIMARY KEY (room, who, place)
) WITHOUT ROWID;
CREATE INDEX room_mentions_message ON room_mentions (room, place);

-- Words that people watch.
CREATE TABLE room_watched (
    who   TEXT NOT NULL PRIMARY KEY,
    words TEXT NOT NULL -- one on a line
) WITHOUT ROWID;
