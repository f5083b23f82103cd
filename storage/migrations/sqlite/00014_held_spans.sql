-- What people under legal hold could read in rooms that they have left since: it stays held, up to where they left.

-- +goose Up
CREATE TABLE history_held_spans (
    who        TEXT   NOT NULL,
    room       BIGINT NOT NULL REFERENCES rooms (num),
    first      BIGINT NOT NULL,
    last_place BIGINT NOT NULL,
    PRIMARY KEY (who, room, first)
) WITHOUT ROWID;
CREATE INDEX history_held_spans_room ON history_held_spans (room, last_place);
CREATE INDEX room_files_held ON room_files (room, place) WHERE place < 0; -- of messages that were taken back, for a hold
