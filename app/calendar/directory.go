package calendar

import (
	"context"
	"strings"

	"portico/app/portal"
)

// Resolve finds people, lists and rooms by what somebody typed, at least two characters.
func (s *Service) Resolve(ctx context.Context, me portal.Address, text string) ([]portal.Attendee, error) {
	text = strings.TrimSpace(text)
	if len(text) < 2 || len(text) > 256 {
		return nil, bad("calendar.search")
	}
	return s.persons(ctx, func(ctx context.Context) ([]portal.Attendee, error) { return s.x.Resolve(ctx, me, text) })
}

// Expand gives the members of a distribution list.
func (s *Service) Expand(ctx context.Context, me portal.Address, email string) ([]portal.Attendee, error) {
	return s.persons(ctx, func(ctx context.Context) ([]portal.Attendee, error) { return s.x.Expand(ctx, me, email) })
}

// Rooms gives the meeting rooms.
func (s *Service) Rooms(ctx context.Context, me portal.Address) ([]portal.Attendee, error) {
	return s.persons(ctx, func(ctx context.Context) ([]portal.Attendee, error) { return s.x.Rooms(ctx, me) })
}

func (s *Service) persons(ctx context.Context, find func(context.Context) ([]portal.Attendee, error)) (list []portal.Attendee, err error) {
	err = s.ask(ctx, func(ctx context.Context) (err error) {
		list, err = find(ctx)
		return err
	})
	for i := range list {
		list[i] = s.known(ctx, list[i])
	}
	return list, err
}

// Photo is the picture of an e-mail address; ErrNotFound where there is none.
func (s *Service) Photo(ctx context.Context, me portal.Address, email string) (data []byte, contentType string, err error) {
	err = s.ask(ctx, func(ctx context.Context) (err error) {
		data, contentType, err = s.x.Photo(ctx, me, email)
		return err
	})
	return data, contentType, err
}
