package web

import (
	"context"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// maxQueried is how many people one presence query may name.
const maxQueried = 500

// manualBody is presence set by hand. Without availability only the note is set.
type manualBody struct {
	Availability *portal.Availability `json:"availability"`
	Activity     portal.Activity      `json:"activity"`
	Note         *string              `json:"note"`
	NoteUntil    *time.Time           `json:"note_until"`
	Until        *time.Time           `json:"until"`
	Location     *string              `json:"location"`
	TimeZone     *string              `json:"time_zone"`
}

// places reports whether the body says where the person is.
func (in manualBody) places() bool { return in.Location != nil || in.TimeZone != nil }

// noteEnd is when the note ends by itself; zero: never.
func (in manualBody) noteEnd() time.Time {
	if in.NoteUntil == nil {
		return time.Time{}
	}
	return *in.NoteUntil
}

var aboutSetPresence = operation{
	summary: "Set own presence by hand, until a time if one is given; with a note or a place alone, only that", body: "ManualPresence",
	answers: []answer{{status: 200, schema: "Presence"}},
	errors:  []int{400, 413, 415},
}

func (s *Server) apiSetPresence(c echo.Context) error {
	if err := s.aloud(c); err != nil {
		return err
	}
	var in manualBody
	if err := body(c, &in); err != nil {
		return err
	}
	if err := in.check(s.Now()); err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	var now portal.Presence
	var err error
	if in.Availability == nil {
		now = s.Presence.Own(who)
		if in.Note != nil {
			now, err = s.Presence.SetNote(ctx, who, *in.Note, in.noteEnd())
		}
	} else {
		m := portal.Manual{Availability: *in.Availability, Activity: in.Activity, Note: in.Note, NoteUntil: in.noteEnd(), SetAt: s.Now()}
		if in.Until != nil {
			m.Until = *in.Until
		}
		now, err = s.Presence.SetByHand(ctx, who, m)
	}
	if err == nil && in.places() {
		now, err = s.setPlace(ctx, who, in)
	}
	if err != nil {
		return err
	}
	return s.presence(c, now)
}

// setPlace sets where the person is; what is not said of it stays.
func (s *Server) setPlace(ctx context.Context, who portal.Address, in manualBody) (portal.Presence, error) {
	if s.Mine == nil {
		return portal.Presence{}, portal.Fail(portal.ErrUnavailable, "own.none")
	}
	where := s.Mine.Whereabouts(who)
	if in.Location != nil {
		where.Location = *in.Location
	}
	if in.TimeZone != nil {
		where.TimeZone = *in.TimeZone
	}
	return s.Mine.SetWhereabouts(ctx, who, where)
}

func (in manualBody) check(now time.Time) error {
	if in.Note != nil && utf8.RuneCountInString(*in.Note) > portal.MaxNoteLen {
		return portal.Fail(portal.ErrInvalid, "presence.note-too-long")
	}
	if in.NoteUntil != nil && (in.Note == nil || !in.NoteUntil.After(now)) {
		return portal.Fail(portal.ErrInvalid, "presence.until-past")
	}
	if in.Availability == nil {
		if in.Note == nil && !in.places() || in.Activity != "" || in.Until != nil {
			return portal.Fail(portal.ErrInvalid, "presence.availability-missing")
		}
		return nil
	}
	if !in.Availability.Settable() {
		return portal.Fail(portal.ErrInvalid, "presence.availability")
	}
	if !in.Activity.Valid() {
		return portal.Fail(portal.ErrInvalid, "presence.activity")
	}
	if in.Until != nil && !in.Until.After(now) {
		return portal.Fail(portal.ErrInvalid, "presence.until-past")
	}
	return nil
}

var aboutResetPresence = operation{
	summary: "Back to automatic presence",
	answers: []answer{{status: 200, schema: "Presence"}},
}

func (s *Server) apiResetPresence(c echo.Context) error {
	if err := s.aloud(c); err != nil {
		return err
	}
	now, err := s.Presence.Reset(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	return s.presence(c, now)
}

var aboutPresence = operation{
	summary: "Somebody's presence", params: []param{uriParam("uri")},
	answers: []answer{{status: 200, schema: "Presence"}},
	errors:  []int{400},
}

func (s *Server) apiPresence(c echo.Context) error {
	whom, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	if whom == s.person(c) {
		return s.presence(c, s.Presence.Own(whom))
	}
	found, err := s.Presence.Query(c.Request().Context(), s.person(c), []portal.Address{whom})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return s.presence(c, portal.Presence{URI: whom, Availability: portal.Unknown})
	}
	return s.presence(c, found[0])
}

type queryBody struct {
	URIs []string `json:"uris"`
}

var aboutQueryPresence = operation{
	summary: "The presence of many people, in the order asked for", body: "PresenceQuery",
	answers: []answer{{status: 200, schema: "Presence", list: true}},
	errors:  []int{400, 413, 415},
}

func (s *Server) apiQueryPresence(c echo.Context) error {
	var in queryBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.URIs == nil {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "uris")
	}
	whom, err := parseAddresses(in.URIs, maxQueried)
	if err != nil {
		return err
	}
	found, err := s.Presence.Query(c.Request().Context(), s.person(c), whom)
	if err != nil {
		return err
	}
	r := s.readerOf(s.audience(c))
	out := make([]presenceJSON, len(found))
	for i, p := range found {
		out[i] = presenceFor(r, p)
	}
	return s.json(c, http.StatusOK, out)
}

// presence answers with one presence, said in the reader's words too.
func (s *Server) presence(c echo.Context, p portal.Presence) error {
	return s.json(c, http.StatusOK, presenceFor(s.readerOf(s.audience(c)), p))
}
