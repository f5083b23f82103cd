-- Programs outside that hear of the changes of CRM, and what is on its way to them.

-- +goose Up
CREATE TABLE hook_endpoints (
    id      TEXT   NOT NULL PRIMARY KEY,
    secret  BLOB   NOT NULL, -- sealed
    active  INT    NOT NULL,
    cursor  BIGINT NOT NULL, -- the last line of the change log that was made into deliveries
    version BIGINT NOT NULL,
    payload TEXT   NOT NULL  -- JSON
);

CREATE TABLE hook_deliveries (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint   TEXT   NOT NULL REFERENCES hook_endpoints (id) ON DELETE CASCADE,
    id         TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    type       TEXT   NOT NULL,
    payload    BLOB   NOT NULL,
    state      TEXT   NOT NULL,
    head       INT    NOT NULL, -- 1: waiting, and none of its endpoint and key waits before it
    tries      BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    status     BIGINT NOT NULL,
    reason     TEXT   NOT NULL,
    made_at    BIGINT NOT NULL,
    done_at    BIGINT NOT NULL
);
CREATE INDEX hook_deliveries_due ON hook_deliveries (endpoint, not_before, seq) WHERE head = 1;
CREATE INDEX hook_deliveries_key ON hook_deliveries (endpoint, key, seq) WHERE state = 'waiting';
CREATE INDEX hook_deliveries_endpoint ON hook_deliveries (endpoint, seq);
CREATE INDEX hook_deliveries_ended ON hook_deliveries (endpoint, state, seq) WHERE state <> 'waiting';
CREATE INDEX hook_deliveries_done ON hook_deliveries (done_at) WHERE state <> 'waiting';
