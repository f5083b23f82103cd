-- What CRM knows: appointments, whom they are made with and tied to, the log of its changes.

-- +goose Up
CREATE TABLE crm_appointments (
    num       INTEGER PRIMARY KEY,
    id        TEXT   NOT NULL UNIQUE,
    uid       TEXT   NOT NULL, -- '' where there is none yet
    owner     TEXT   NOT NULL,
    starts_at BIGINT NOT NULL, -- of a series its first start
    ends_at   BIGINT NOT NULL, -- of a series the end of its first occurrence
    all_day   INT    NOT NULL,
    gone_at   BIGINT NOT NULL, -- 0 while it lives
    revision  BIGINT NOT NULL,
    payload   TEXT   NOT NULL  -- JSON
);
CREATE UNIQUE INDEX crm_appointments_uid ON crm_appointments (uid) WHERE gone_at = 0 AND uid <> '';
CREATE INDEX crm_appointments_alike ON crm_appointments (owner, starts_at, ends_at, all_day) WHERE gone_at = 0;

-- In whose calendars a living appointment is.
CREATE TABLE crm_attendance (
    person      TEXT   NOT NULL,
    appointment BIGINT NOT NULL REFERENCES crm_appointments (num) ON DELETE CASCADE,
    starts_at   BIGINT NOT NULL, -- the first instant of anything it means
    ends_at     BIGINT NOT NULL, -- the last
    lasting     INT    NOT NULL, -- longer than two days, or a series: few, and found by their end
    PRIMARY KEY (appointment, person)
) WITHOUT ROWID;
CREATE INDEX crm_attendance_start ON crm_attendance (person, lasting, starts_at);
CREATE INDEX crm_attendance_end ON crm_attendance (person, lasting, ends_at);

-- What a living appointment is tied to; kind is 'person' or 'company'.
CREATE TABLE crm_ties (
    appointment BIGINT NOT NULL REFERENCES crm_appointments (num) ON DELETE CASCADE,
    kind        TEXT   NOT NULL,
    party       TEXT   NOT NULL,
    starts_at   BIGINT NOT NULL,
    PRIMARY KEY (appointment, kind, party)
) WITHOUT ROWID;
CREATE INDEX crm_ties_party ON crm_ties (kind, party, starts_at);

CREATE TABLE crm_files (
    hash    TEXT   NOT NULL PRIMARY KEY, -- SHA-256 of the bytes in hexadecimal
    data    BLOB   NOT NULL,
    kept_at BIGINT NOT NULL -- when it was last put
);

-- Which appointments, deleted ones too, have a file.
CREATE TABLE crm_file_uses (
    appointment BIGINT NOT NULL REFERENCES crm_appointments (num) ON DELETE CASCADE,
    hash        TEXT   NOT NULL,
    PRIMARY KEY (appointment, hash)
) WITHOUT ROWID;
CREATE INDEX crm_file_uses_hash ON crm_file_uses (hash);

CREATE TABLE crm_users (
    address TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    payload TEXT   NOT NULL -- JSON
);

CREATE TABLE crm_companies (
    num     INTEGER PRIMARY KEY,
    id      TEXT   NOT NULL UNIQUE,
    name    TEXT   NOT NULL,
    sort    TEXT   NOT NULL, -- the name without case and accents
    words   TEXT   NOT NULL, -- all that it is found by, so treated, a space before each
    version BIGINT NOT NULL,
    payload TEXT   NOT NULL  -- JSON
);
CREATE INDEX crm_companies_sort ON crm_companies (sort, num);

CREATE TABLE crm_people (
    num     INTEGER PRIMARY KEY,
    id      TEXT   NOT NULL UNIQUE,
    company TEXT   NOT NULL, -- a company's id; '' for none
    sort    TEXT   NOT NULL,
    words   TEXT   NOT NULL,
    version BIGINT NOT NULL,
    payload TEXT   NOT NULL  -- JSON
);
CREATE INDEX crm_people_sort ON crm_people (sort, num);
CREATE INDEX crm_people_company ON crm_people (company) WHERE company <> '';

-- The words that people (kind 'p') and companies (kind 'c') are found by, whole and by their first one to three letters: a
-- beginning that short is one stretch in the order of the names, a longer one is few rows.
CREATE TABLE crm_words (
    kind  TEXT   NOT NULL,
    word  TEXT   NOT NULL,
    sort  TEXT   NOT NULL,
    party BIGINT NOT NULL,
    PRIMARY KEY (kind, word, sort, party)
) WITHOUT ROWID;

CREATE TABLE crm_changes (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice, not even after pruning
    kind     TEXT   NOT NULL,
    record   TEXT   NOT NULL,
    change   TEXT   NOT NULL,
    actor    TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    revision BIGINT NOT NULL
);

-- What was answered to a write with an idempotency key.
CREATE TABLE crm_keys (
    kind    TEXT   NOT NULL,
    key     TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    answer  TEXT   NOT NULL, -- JSON
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE INDEX crm_keys_age ON crm_keys (at);
