-- Who sees what of whom; and what people say of themselves by hand: a note that ends, where they are, which of their places counts.
-- Instants are nanoseconds since 1970 in UTC; 0 stands for "none".

-- +goose Up
CREATE TABLE privacy (
    person  TEXT NOT NULL PRIMARY KEY,
    payload TEXT NOT NULL -- JSON
) WITHOUT ROWID;

-- Relationships given to people who are not on the contact list; those of the list stand in contacts.
CREATE TABLE privacy_ties (
    owner        TEXT NOT NULL,
    who          TEXT NOT NULL,
    relationship TEXT NOT NULL,
    PRIMARY KEY (owner, who)
) WITHOUT ROWID;

-- People of whom the owner has said before what is to become of them.
CREATE TABLE privacy_known (
    owner TEXT   NOT NULL,
    who   TEXT   NOT NULL,
    at    BIGINT NOT NULL,
    PRIMARY KEY (owner, who)
) WITHOUT ROWID;

ALTER TABLE presence_manual ADD COLUMN note_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE presence_note ADD COLUMN until BIGINT NOT NULL DEFAULT 0;
CREATE TABLE presence_whereabouts (
    person    TEXT NOT NULL PRIMARY KEY,
    location  TEXT NOT NULL,
    time_zone TEXT NOT NULL
) WITHOUT ROWID;

ALTER TABLE settings ADD COLUMN presence_provider TEXT NOT NULL DEFAULT '';
