-- What people choose about pages for thin sessions: '' as their connection says, 'on', 'off'.

-- +goose Up
ALTER TABLE settings ADD COLUMN thin TEXT NOT NULL DEFAULT '';
