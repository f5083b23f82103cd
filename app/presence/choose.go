package presence

// What people choose: a state by hand, a note, where they are, the endpoint that counts; and the policies that bound it.

import (
	"context"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// SetByHand sets who's state until its end or Reset, and the note when m has one, and gives their
// presence as it is now. A custom state brings its own availability. Errors: ErrInvalid (policy.Manual; "presence.custom"
// for a custom state there is not), ErrForbidden ("presence.appear-offline" where policy does not let people appear
// offline, "presence.note-disabled" where it lets nobody have a note), ErrUnavailable when it could not be kept.
func (s *Service) SetByHand(ctx context.Context, who portal.Address, m portal.Manual) (portal.Presence, error) {
	if policy.IsCustom(m.Activity) && s.o.States != nil {
		st, there := policy.CustomState(m.Activity, s.o.States(who))
		if !there {
			return portal.Presence{}, portal.Fail(portal.ErrInvalid, "presence.custom")
		}
		m.Availability = st.Availability
	}
	now := s.o.Now()
	m, err := policy.Manual(m, now)
	if err != nil {
		return portal.Presence{}, err
	}
	if m.Availability == portal.Offline && !s.o.InForce(who).EnableAppearOffline {
		return portal.Presence{}, portal.Fail(portal.ErrForbidden, "presence.appear-offline")
	}
	var note *portal.PersonalNote
	if m.Note != nil {
		if *m.Note != "" && s.o.InForce(who).DisablePresenceNote {
			return portal.Presence{}, noteDisabled()
		}
		note = noteUntil(*m.Note, m.NoteUntil)
	}
	m.Note, m.NoteUntil = nil, time.Time{}
	return s.set(ctx, who, func(ctx context.Context) error {
		if err := s.mem.SaveManual(ctx, who, &m); err != nil || note == nil {
			return err
		}
		return s.mem.SaveNote(ctx, who, *note)
	}, func(p *person) {
		p.manual = &m
		if note != nil {
			p.note = *note
		}
	})
}

func noteDisabled() error { return portal.Fail(portal.ErrForbidden, "presence.note-disabled") }

// noteUntil is a note with its end; no note has none.
func noteUntil(text string, until time.Time) *portal.PersonalNote {
	if text == "" {
		until = time.Time{}
	}
	return &portal.PersonalNote{Text: text, Until: until}
}

// Reset takes back what was set by hand: presence follows activity again. The note stays.
func (s *Service) Reset(ctx context.Context, who portal.Address) (portal.Presence, error) {
	return s.set(ctx, who, func(ctx context.Context) error { return s.mem.SaveManual(ctx, who, nil) },
		func(p *person) { p.manual = nil })
}

// SetNote sets the note, which stands whatever the state, until its end (zero: without one); empty removes it. Errors:
// ErrInvalid (policy.Note, policy.NoteEnd), ErrForbidden ("presence.note-disabled" where policy lets nobody have a note),
// ErrUnavailable when it could not be kept.
func (s *Service) SetNote(ctx context.Context, who portal.Address, text string, until time.Time) (portal.Presence, error) {
	text, err := policy.Note(text)
	if err != nil {
		return portal.Presence{}, err
	}
	if until, err = policy.NoteEnd(until, s.o.Now()); err != nil {
		return portal.Presence{}, err
	}
	if text != "" && s.o.InForce(who).DisablePresenceNote {
		return portal.Presence{}, noteDisabled()
	}
	note := *noteUntil(text, until)
	return s.set(ctx, who, func(ctx context.Context) error { return s.mem.SaveNote(ctx, who, note) },
		func(p *person) { p.note = note })
}

// SetWhereabouts sets where a person says they are; the zero value takes it back. Errors: ErrInvalid ("presence.location":
// more than a line of portal.MaxLocationLen characters; "presence.time-zone": no such zone), ErrUnavailable.
func (s *Service) SetWhereabouts(ctx context.Context, who portal.Address, w portal.Whereabouts) (portal.Presence, error) {
	w, err := policy.Whereabouts(w)
	if err != nil {
		return portal.Presence{}, err
	}
	if _, err := time.LoadLocation(w.TimeZone); err != nil || w.TimeZone == "Local" {
		return portal.Presence{}, portal.Fail(portal.ErrInvalid, "presence.time-zone").Because(err)
	}
	return s.set(ctx, who, func(ctx context.Context) error { return s.mem.SaveWhereabouts(ctx, who, w) },
		func(p *person) { p.where = w })
}

// Note is who's note with its end, Whereabouts where they say they are, as far as they were read; the zero value where
// there is none or its end has come.
func (s *Service) Note(who portal.Address) portal.PersonalNote {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[who]
	if p == nil || !p.note.Until.IsZero() && !p.note.Until.After(s.o.Now()) {
		return portal.PersonalNote{}
	}
	return p.note
}

// Whereabouts: see Note.
func (s *Service) Whereabouts(who portal.Address) portal.Whereabouts {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.people[who]; p != nil {
		return p.where
	}
	return portal.Whereabouts{}
}

// Choose says that the word of one endpoint alone counts as who's presence from now on: policy.PortalProvider, or a
// Place.Provider; empty: all together. While the chosen one is not there all count. keep puts the choice where
// Options.Provider finds it at the next sign-in, and refuses it with an error: choices of one person are kept one after the
// other, in the order they hold in, so that what holds is what is kept. Nothing else ever changes it. Errors: those of keep,
// ErrUnavailable.
func (s *Service) Choose(ctx context.Context, who portal.Address, provider string, keep func(context.Context) error) error {
	s.mu.Lock()
	p := s.person(who)
	s.mu.Unlock()
	if err := s.load(ctx, p); err != nil {
		return err
	}
	p.saving.Lock()
	defer p.saving.Unlock()
	if err := keep(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.provider != provider {
		p.provider, p.ownDirty = provider, true
		s.update(p, s.o.Now())
	}
	return nil
}

// Places are the endpoints of a person that have a word on their presence now, the portal first.
func (s *Service) Places(who portal.Address) []portal.Place {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, now := s.people[who], s.o.Now()
	if p == nil {
		return nil
	}
	var places []portal.Place
	if p.present {
		places = append(places, place(p.claim, portal.PlaceBrowser, policy.PortalProvider, p.provider))
	}
	claims, _ := s.heard(p, now)
	_, counts := policy.Chosen(claims, p.provider, now)
	for _, c := range claims {
		if !c.Until.IsZero() && !c.Until.After(now) {
			continue
		}
		at := place(c, portal.PlaceProgram, policy.ProviderOf(c, claims), p.provider)
		if counts {
			chosen, _ := policy.Chosen(claims, p.provider, now)
			at.Counts = chosen.Endpoint == c.Endpoint
		}
		places = append(places, at)
	}
	return places
}

// place is a claim as one of the places a person is at.
func place(c portal.Claim, kind, provider, chosen string) portal.Place {
	return portal.Place{ID: "claim:" + c.Endpoint, Kind: kind, Name: c.Label, Availability: c.Availability, Activity: c.Activity, Custom: c.Custom,
		Note: c.Note, Since: c.Since, Provider: provider, Counts: chosen != "" && provider == chosen}
}

// PoliciesChanged says that other policies or custom states hold for some people; without any, for everybody. Options
// give the new ones already. Everybody is gone through a few at a time, so that nobody else waits.
func (s *Service) PoliciesChanged(who ...portal.Address) {
	if len(who) == 0 {
		s.mu.Lock()
		for a := range s.subjects {
			who = append(who, a)
		}
		s.mu.Unlock()
	}
	for _, a := range who {
		s.policiesChanged(a)
	}
}

func (s *Service) policiesChanged(who portal.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.subjects[who]
	if sub == nil {
		return
	}
	s.recheck(who)
	// Whether somebody may be written to shows under every sight.
	s.spread(sub, nil)
	if p := sub.local; p != nil {
		p.ownDirty = true
		s.update(p, s.o.Now())
	}
}
