-- The log of durable events and whom each is for.
-- Instants are nanoseconds since 1970 in UTC; 0 stands for "none".

-- +goose Up
CREATE TABLE events (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice, not even after pruning
    at      BIGINT NOT NULL,
    name    TEXT   NOT NULL,
    payload TEXT   NOT NULL
);

CREATE TABLE event_audience (
    person TEXT   NOT NULL,
    seq    BIGINT NOT NULL REFERENCES events (seq) ON DELETE CASCADE,
    PRIMARY KEY (person, seq)
) WITHOUT ROWID;
CREATE INDEX event_audience_seq ON event_audience (seq);

-- The newest number that pruning took from a person's log: whoever comes back with an older one must read afresh.
CREATE TABLE event_floor (
    person TEXT   NOT NULL PRIMARY KEY,
    seq    BIGINT NOT NULL
) WITHOUT ROWID;
