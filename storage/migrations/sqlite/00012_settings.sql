-- What people choose about keeping conversations and calls in Exchange (NULL: nothing yet), and about the program in which they talk.

-- +goose Up
ALTER TABLE settings ADD COLUMN keep_history INTEGER;
ALTER TABLE settings ADD COLUMN keep_calls INTEGER;
ALTER TABLE settings ADD COLUMN preferred_client TEXT NOT NULL DEFAULT '';
