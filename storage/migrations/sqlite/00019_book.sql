-- The address books as they were read last, so that a start has them at once. A copy is a row of chunks; the next copy shares those in
-- which nothing changed.
-- Instants are nanoseconds since 1970 in UTC; 0 stands for "none".

-- +goose Up
CREATE TABLE book_copies (
    num    INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT    NOT NULL,
    at     BIGINT  NOT NULL,
    people BIGINT  NOT NULL,
    whole  INTEGER NOT NULL -- 0: it is being written, or to be taken away
);
CREATE UNIQUE INDEX book_copies_whole ON book_copies (source) WHERE whole = 1;
CREATE INDEX book_copies_part ON book_copies (num) WHERE whole = 0;

CREATE TABLE book_chunks (
    num    INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    hash   TEXT NOT NULL, -- SHA-256 of the data in hexadecimal
    data   BLOB NOT NULL, -- people, as JSON
    UNIQUE (source, hash)
);

CREATE TABLE book_parts (
    copy  BIGINT NOT NULL REFERENCES book_copies (num),
    pos   BIGINT NOT NULL,
    chunk BIGINT NOT NULL REFERENCES book_chunks (num),
    PRIMARY KEY (copy, pos)
) WITHOUT ROWID;
CREATE INDEX book_parts_chunk ON book_parts (chunk);
