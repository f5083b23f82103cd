-- Texts that were changed or taken back in rooms where somebody under legal hold was.
-- Instants are nanoseconds since 1970 in UTC; 0 stands for "none".

-- +goose Up
CREATE TABLE history_held_rooms (
    room    BIGINT NOT NULL REFERENCES rooms (num),
    place   BIGINT NOT NULL,
    version BIGINT NOT NULL, -- the message's before the change
    sender  TEXT   NOT NULL,
    body    TEXT   NOT NULL,
    said_at BIGINT NOT NULL,
    PRIMARY KEY (room, place, version)
) WITHOUT ROWID;
