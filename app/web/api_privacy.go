package web

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// Cards, privacy, places and pictures, for programs.

func (s *Server) privacyCalls() []call {
	kept := s.withPrivacy
	return []call{
		{http.MethodGet, "/people/:uri", person, s.apiCard, aboutCard},
		{http.MethodGet, "/people/:uri/photo", person, s.photo, aboutPhoto},
		{http.MethodGet, "/me/privacy", person, kept(s.apiPrivacy), aboutPrivacy},
		{http.MethodPut, "/me/privacy", person, kept(s.apiSavePrivacy), aboutSavePrivacy},
		{http.MethodGet, "/me/relationships", person, kept(s.apiTies), aboutTies},
		{http.MethodPut, "/me/relationships/:uri", person, kept(s.apiGive), aboutGive},
		{http.MethodDelete, "/me/relationships/:uri", person, kept(s.apiTakeBackTie), aboutTakeBackTie},
		{http.MethodGet, "/me/seen-by/:uri", person, kept(s.apiSeenBy), aboutSeenBy},
		{http.MethodGet, "/me/watchers", person, kept(s.apiAdmirers), aboutAdmirers},
		{http.MethodPut, "/me/watchers/:uri", person, kept(s.apiDecide), aboutDecide},
		{http.MethodGet, "/me/places", person, s.withPlaces(s.apiPlaces), aboutPlaces},
		{http.MethodPut, "/me/places/provider", person, s.withPlaces(s.apiChoose), aboutChoose},
		{http.MethodDelete, "/me/places/:id", person, s.withPlaces(s.apiSignOutPlace), aboutSignOutPlace},
	}
}

// withPlaces refuses what needs to know where people are signed in where the portal does not.
func (s *Server) withPlaces(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.Places == nil {
			return portal.Fail(portal.ErrUnavailable, "places.none")
		}
		return next(c)
	}
}

// cardJSON is a card: the person, cut by their privacy, with presence and what the reader has made of them.
type cardJSON struct {
	Person   portal.Person `json:"person"`
	Presence *presenceJSON `json:"presence"`
	// LocalTime is what their clock shows, with its offset; null where their zone is not known.
	LocalTime *string `json:"local_time"`
	TimeZone  string  `json:"time_zone"`
	// Busy is the free/busy time of today; null where it is not to be seen or nobody knows.
	Busy         []busyJSON          `json:"busy"`
	Manager      *portal.Person      `json:"manager"`
	Reports      []portal.Person     `json:"reports"`
	Contact      *portal.Contact     `json:"contact"`
	Relationship portal.Relationship `json:"relationship"`
}

type busyJSON struct {
	Start time.Time       `json:"start"`
	End   time.Time       `json:"end"`
	Show  portal.FreeBusy `json:"show"`
}

var aboutCard = operation{
	summary: "Somebody's card: what the reader may know of them", params: []param{uriParam("uri")},
	answers: []answer{{status: 200, schema: "Card"}}, errors: []int{400},
}

func (s *Server) apiCard(c echo.Context) error {
	of, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	card, err := s.card(c, of, true)
	if err != nil {
		return err
	}
	r := s.readerOf(s.audience(c))
	out := cardJSON{Person: card.Person, Contact: card.Contact, Relationship: card.Relationship, Reports: []portal.Person{}}
	if !card.IsGroup() {
		p := presenceFor(r, card.Presence)
		out.Presence = &p
	}
	if card.Zone != nil {
		there := r.Now.In(card.Zone).Format(time.RFC3339)
		out.LocalTime, out.TimeZone = &there, card.Zone.String()
	}
	if card.Day != nil {
		out.Busy = []busyJSON{}
		for _, b := range card.Day.Busy {
			out.Busy = append(out.Busy, busyJSON{b.Start, b.End, b.Show})
		}
	}
	if card.Manager != nil {
		out.Manager = &portal.Person{URI: card.Manager.URI, DisplayName: card.Manager.DisplayName}
	}
	for _, p := range card.Reports {
		out.Reports = append(out.Reports, portal.Person{URI: p.URI, DisplayName: p.DisplayName})
	}
	return s.json(c, http.StatusOK, out)
}

var aboutPhoto = operation{
	summary: "Somebody's picture", params: []param{uriParam("uri")}, bare: true,
	answers: []answer{{status: 200, schema: "Picture", media: "image/*"}}, errors: []int{400, 404},
}

// maxPhoto is the largest picture that is handed out, in bytes.
const maxPhoto = 1 << 20

// photo is somebody's picture. Only what is known to be one is handed out, under its own type.
func (s *Server) photo(c echo.Context) error {
	of, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	if s.Photos == nil {
		return portal.Fail(portal.ErrNotFound, "photo.none")
	}
	data, _, err := s.Photos.Photo(c.Request().Context(), of)
	if err != nil {
		return err
	}
	kind := http.DetectContentType(data)
	switch kind {
	case "image/jpeg", "image/png", "image/gif", "image/webp":
	default:
		return portal.Fail(portal.ErrNotFound, "photo.none")
	}
	if len(data) > maxPhoto {
		return portal.Fail(portal.ErrNotFound, "photo.none")
	}
	c.Response().Header().Set("Cache-Control", "private, max-age=3600")
	return c.Blob(http.StatusOK, kind, data)
}

// privacyJSON is what a person decided; of the relationships, what each shows after that.
type privacyJSON struct {
	Rules        map[portal.Relationship]portal.Sight `json:"rules"`
	Colleagues   portal.Relationship                  `json:"colleagues"`
	Others       portal.Relationship                  `json:"others"`
	ContactsOnly bool                                 `json:"contacts_only"`
	// Server is whether the SIP server has it; who saves cannot change that.
	Server portal.ServerRules `json:"server"`
}

var aboutPrivacy = operation{
	summary: "What one decided on who sees what; relationships that are not in rules show the standard", answers: []answer{{status: 200, schema: "Privacy"}},
}

func (s *Server) apiPrivacy(c echo.Context) error {
	p, _, err := s.Privacy.Settings(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	out := privacyJSON{Rules: p.Rules, Colleagues: p.Colleagues, Others: p.Others, ContactsOnly: p.ContactsOnly,
		Server: s.Privacy.OnServer(s.person(c))}
	if out.Rules == nil {
		out.Rules = map[portal.Relationship]portal.Sight{}
	}
	if out.Colleagues == "" {
		out.Colleagues = portal.Company
	}
	if out.Others == "" {
		out.Others = portal.Public
	}
	return s.json(c, http.StatusOK, out)
}

var aboutSavePrivacy = operation{
	summary: "Decide who sees what: replaces what was decided before", body: "Privacy",
	answers: []answer{{status: 200, schema: "Privacy"}}, errors: []int{400, 413, 415},
}

func (s *Server) apiSavePrivacy(c echo.Context) error {
	var in privacyJSON
	if err := body(c, &in); err != nil {
		return err
	}
	for r := range in.Rules {
		if !r.Valid() {
			return portal.Fail(portal.ErrInvalid, "contact.relationship")
		}
	}
	for _, r := range []portal.Relationship{in.Colleagues, in.Others} {
		if r != "" && !r.Valid() {
			return portal.Fail(portal.ErrInvalid, "contact.relationship")
		}
	}
	p := portal.Privacy{Rules: in.Rules, Colleagues: in.Colleagues, Others: in.Others, ContactsOnly: in.ContactsOnly}
	if err := s.Privacy.Save(c.Request().Context(), s.person(c), p); err != nil {
		return err
	}
	return s.apiPrivacy(c)
}

var aboutTies = operation{
	summary: "The relationships one gave, to contacts and others", answers: []answer{{status: 200, schema: "Tie", list: true}},
}

func (s *Server) apiTies(c echo.Context) error {
	_, ties, err := s.Privacy.Settings(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	if ties == nil {
		ties = []portal.Tie{}
	}
	return s.json(c, http.StatusOK, ties)
}

type relationshipBody struct {
	Relationship portal.Relationship `json:"relationship"`
}

var aboutGive = operation{
	summary: "Give somebody a relationship, on the contact list or not", params: []param{uriParam("uri")}, body: "RelationshipChange",
	answers: []answer{{status: 204, about: "it holds"}}, errors: []int{400, 409, 413, 415},
}

func (s *Server) apiGive(c echo.Context) error {
	with, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	var in relationshipBody
	if err := body(c, &in); err != nil {
		return err
	}
	if err := s.give(c.Request().Context(), s.person(c), with, in.Relationship); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

var aboutTakeBackTie = operation{
	summary: "Take a relationship back from somebody", params: []param{uriParam("uri")},
	answers: []answer{{status: 204, about: "they have that of people like them"}}, errors: []int{400},
}

func (s *Server) apiTakeBackTie(c echo.Context) error {
	with, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	if err := s.Privacy.TakeBack(c.Request().Context(), s.person(c), with); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// seenByJSON is how somebody sees the person.
type seenByJSON struct {
	Relationship portal.Relationship `json:"relationship"`
	Sight        portal.Sight        `json:"sight"`
	Presence     presenceJSON        `json:"presence"`
	Person       portal.Person       `json:"person"`
}

var aboutSeenBy = operation{
	summary: "How somebody sees oneself: what the portal hands out to them", params: []param{uriParam("uri")},
	answers: []answer{{status: 200, schema: "SeenBy"}}, errors: []int{400},
}

func (s *Server) apiSeenBy(c echo.Context) error {
	viewer, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	seen, err := s.seenBy(c.Request().Context(), s.person(c), viewer)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, seenByJSON{Relationship: seen.Relationship, Sight: seen.Sight, Person: seen.Card.Person,
		Presence: presenceFor(s.readerOf(s.audience(c)), seen.Card.Presence)})
}

var aboutAdmirers = operation{
	summary: "Who has one on their contact list or watches one's presence", answers: []answer{{status: 200, schema: "Watcher", list: true}},
}

func (s *Server) apiAdmirers(c echo.Context) error {
	all, err := s.Privacy.Admirers(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	if all == nil {
		all = []portal.Admirer{}
	}
	return s.json(c, http.StatusOK, all)
}

type decideBody struct {
	Accept       *bool               `json:"accept"`
	Relationship portal.Relationship `json:"relationship"`
}

var aboutDecide = operation{
	summary: "Say what is to become of somebody who watches: accepted with a relationship, or blocked", params: []param{uriParam("uri")}, body: "Decision",
	answers: []answer{{status: 204, about: "it holds"}}, errors: []int{400, 409, 413, 415},
}

func (s *Server) apiDecide(c echo.Context) error {
	whom, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	var in decideBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.Accept == nil {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "accept")
	}
	r := in.Relationship
	if !*in.Accept {
		r = portal.Blocked
	}
	if r != "" && !r.Valid() {
		return portal.Fail(portal.ErrInvalid, "contact.relationship")
	}
	if err := s.Privacy.Decide(c.Request().Context(), s.person(c), whom, *in.Accept, r); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

var aboutPlaces = operation{
	summary: "Where one is signed in, with what each place says", answers: []answer{{status: 200, schema: "SignedInPlace", list: true}},
}

func (s *Server) apiPlaces(c echo.Context) error {
	known, err := s.session(c)
	if err != nil {
		return fmt.Errorf("the request's session: %w", err)
	}
	places, err := s.Places.Places(c.Request().Context(), known.person, known.key)
	if err != nil {
		return err
	}
	if places == nil {
		places = []portal.Place{}
	}
	return s.json(c, http.StatusOK, places)
}

type providerBody struct {
	Provider *string `json:"provider"`
}

var aboutChoose = operation{
	summary: "Choose whose word alone counts as one's presence; empty: all places together", body: "ProviderChoice",
	answers: []answer{{status: 204, about: "it counts"}}, errors: []int{400, 413, 415},
}

func (s *Server) apiChoose(c echo.Context) error {
	var in providerBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.Provider == nil {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "provider")
	}
	if err := s.choose(c.Request().Context(), s.person(c), *in.Provider); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

var aboutSignOutPlace = operation{
	summary: "Sign one place out", params: []param{{name: "id", in: "path", schema: "PlaceID", about: "a place's id, percent-encoded"}},
	answers: []answer{{status: 204, about: "it is signed out"}}, errors: []int{400, 404},
}

func (s *Server) apiSignOutPlace(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	if err := s.Places.SignOut(c.Request().Context(), s.person(c), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
