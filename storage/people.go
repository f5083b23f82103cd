package storage

import (
	"context"

	"portico/app/portal"
)

// People's own choices.

// Settings are what the person chose; false where they chose nothing yet.
func (s *Store) Settings(ctx context.Context, who portal.Address) (portal.Settings, bool, error) {
	var (
		c                    portal.Settings
		sound, notifications int
	)
	found, err := s.one(ctx, "settings", `SELECT locale, time_zone, theme, sound, notifications, keep_history, keep_calls, preferred_client,
		presence_provider, sort, thin FROM settings WHERE person = ?`,
		[]any{string(who)}, &c.Locale, &c.TimeZone, &c.Theme, &sound, &notifications, &c.KeepHistory, &c.KeepCalls, &c.PreferredClient,
		&c.PresenceProvider, &c.Sort, &c.Thin)
	if err != nil || !found {
		return portal.Settings{}, false, err
	}
	c.Sound, c.Notifications = sound != 0, notifications != 0
	return c, true, nil
}

// SaveSettings keeps the person's choices in place of earlier ones.
func (s *Store) SaveSettings(ctx context.Context, who portal.Address, c portal.Settings) error {
	if who == "" {
		return invalid("settings of nobody")
	}
	return s.write(ctx, "save settings", func(t *txn) error {
		return t.exec(`INSERT INTO settings (person, locale, time_zone, theme, sound, notifications, keep_history, keep_calls, preferred_client,
			presence_provider, sort, thin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (person) DO UPDATE SET locale = excluded.locale, time_zone = excluded.time_zone,
			theme = excluded.theme, sound = excluded.sound, notifications = excluded.notifications,
			keep_history = excluded.keep_history, keep_calls = excluded.keep_calls, preferred_client = excluded.preferred_client,
			presence_provider = excluded.presence_provider, sort = excluded.sort, thin = excluded.thin`,
			string(who), c.Locale, c.TimeZone, c.Theme, flag(c.Sound), flag(c.Notifications), choice(c.KeepHistory), choice(c.KeepCalls), c.PreferredClient,
			c.PresenceProvider, c.Sort, c.Thin)
	})
}

// choice is a flag that may not have been chosen yet.
func choice(on *bool) any {
	if on == nil {
		return nil
	}
	return flag(*on)
}
