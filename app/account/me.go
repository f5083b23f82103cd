package account

// What the portal knows of the person who is signed in, and what they chose.

import (
	"context"
	"slices"
	"time"

	"golang.org/x/text/language"

	"portico/app/portal"
)

// Me is who somebody is to the portal.
func (s *Service) Me(ctx context.Context, who portal.Address) (portal.Me, error) {
	set, err := s.Settings(ctx, who)
	if err != nil {
		return portal.Me{}, err
	}
	p := s.o.Person(ctx, who)
	me := portal.Me{URI: who, DisplayName: p.DisplayName, Email: p.Email, Roles: []string{}, Policies: map[string]any{},
		Locale: set.Locale, TimeZone: set.TimeZone}
	if me.DisplayName == "" {
		me.DisplayName = who.User()
	}
	if me.Email == "" {
		// A person's mailbox is their address unless the address book says otherwise.
		me.Email = who.Bare()
	}
	if slices.Contains(s.o.Admins, who) {
		me.Roles = append(me.Roles, portal.RoleAdmin)
	}
	return me, nil
}

// Settings are what a person chose, or what holds before they do.
func (s *Service) Settings(ctx context.Context, who portal.Address) (portal.Settings, error) {
	set, saved, err := s.vault.Settings(ctx, who)
	if err != nil {
		return portal.Settings{}, err
	}
	if !saved {
		return portal.DefaultSettings(), nil
	}
	return set, nil
}

// ChangeSettings keeps what change makes of a person's settings; changes of one person come one after the other, so change
// must not make another. What change refuses is not kept. An error that means ErrInvalid: no such language
// ("settings.locale"), time zone ("settings.time-zone"), theme ("settings.theme"), kind of session ("settings.thin") or client ("settings.client").
func (s *Service) ChangeSettings(ctx context.Context, who portal.Address, change func(*portal.Settings) error) error {
	release, err := s.choices.take(ctx, who, true)
	if err != nil {
		return err
	}
	defer release()
	set, err := s.Settings(ctx, who)
	if err != nil {
		return err
	}
	if err := change(&set); err != nil {
		return err
	}
	return s.saveSettings(ctx, who, set)
}

func (s *Service) saveSettings(ctx context.Context, who portal.Address, set portal.Settings) error {
	if set.Locale != "" {
		if canonical, ok := s.o.Language(set.Locale); !ok || canonical != set.Locale {
			return portal.Fail(portal.ErrInvalid, "settings.locale")
		}
	}
	if set.TimeZone != "" {
		if _, err := time.LoadLocation(set.TimeZone); err != nil || set.TimeZone == "Local" {
			return portal.Fail(portal.ErrInvalid, "settings.time-zone")
		}
	}
	if !slices.Contains([]string{"", "light", "dark"}, set.Theme) {
		return portal.Fail(portal.ErrInvalid, "settings.theme")
	}
	if !slices.Contains([]string{"", "on", "off"}, set.Thin) {
		return portal.Fail(portal.ErrInvalid, "settings.thin")
	}
	if set.PreferredClient != "" && set.PreferredClient != portal.OtherClient {
		return portal.Fail(portal.ErrInvalid, "settings.client")
	}
	return s.vault.SaveSettings(ctx, who, set)
}

// wellFormed is the canonical form of a BCP 47 tag.
func wellFormed(tag string) (string, bool) {
	const longest = 35 // bytes, of those that name a language with its script, country and a variant (RFC 5646 section 4.4.1)
	if len(tag) > longest {
		return "", false
	}
	t, err := language.Parse(tag)
	return t.String(), err == nil && t != language.Und
}
