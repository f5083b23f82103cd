-- Contacts in several groups, what their owner calls them, whom they want to hear of; the groups themselves; and the contact list that
-- the SIP server keeps.
-- Instants are nanoseconds since 1970 in UTC; 0 stands for "none".

-- +goose Up
ALTER TABLE contacts ADD COLUMN more_groups TEXT NOT NULL DEFAULT ''; -- the groups beside group_name, one on a line
ALTER TABLE contacts ADD COLUMN nickname TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN favourite INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN tagged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN is_group INTEGER NOT NULL DEFAULT 0;
CREATE INDEX contacts_tagged ON contacts (owner, uri) WHERE tagged = 1;
CREATE INDEX contacts_whose ON contacts (uri, owner); -- who has somebody on their list

CREATE TABLE contact_groups (
    owner  TEXT    NOT NULL,
    name   TEXT    NOT NULL,
    rank   BIGINT  NOT NULL,
    closed INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
) WITHOUT ROWID;
CREATE INDEX contact_groups_rank ON contact_groups (owner, rank, name);
INSERT INTO contact_groups (owner, name, rank, closed)
SELECT DISTINCT owner, group_name, 0, 0 FROM contacts WHERE group_name <> '';

CREATE TABLE contact_rosters (
    owner    TEXT   NOT NULL PRIMARY KEY,
    etag     TEXT   NOT NULL,
    agreed   BLOB   NOT NULL, -- the list as both sides last agreed on it
    saved_at BIGINT NOT NULL
) WITHOUT ROWID;

ALTER TABLE settings ADD COLUMN sort TEXT NOT NULL DEFAULT '';
