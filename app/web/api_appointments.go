package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/calendar"
	"portico/app/portal"
	"portico/views/catalogue"
)

// maxWindow is the longest time that is read at once.
const maxWindow = 366 * 24 * time.Hour

// syncJSON is how far a change has got, with the sentence of why it failed.
type syncJSON struct {
	State    string `json:"state"`
	Error    string `json:"error"`
	ErrorKey string `json:"error_key,omitempty"`
}

// appointmentJSON is an appointment as the API tells it.
type appointmentJSON struct {
	portal.Appointment
	Recurrence  string              `json:"recurrence"`
	Attendees   []portal.Attendee   `json:"attendees"`
	Categories  []string            `json:"categories"`
	Attachments []portal.Attachment `json:"attachments"`
	People      []string            `json:"people"`
	Companies   []string            `json:"companies"`
	Sync        syncJSON            `json:"sync"`
}

func (s *Server) appointmentJSON(words *catalogue.Catalogue, a portal.Appointment) appointmentJSON {
	a.BodyHTML = s.cleanHTML(a.BodyHTML)
	out := appointmentJSON{
		Appointment: a, Recurrence: a.Recurrence, Attendees: a.Attendees, Categories: a.Categories, Attachments: a.Attachments, People: a.People, Companies: a.Companies,
		Sync: syncJSON{State: a.Sync.State},
	}
	if out.Sync.State == "" {
		out.Sync.State = portal.SyncDone
	}
	if a.Sync.Error != "" {
		out.Sync.Error, out.Sync.ErrorKey = sentence(words, a.Sync.Error, nil), a.Sync.Error
	}
	for _, list := range []*[]string{&out.Categories, &out.People, &out.Companies} {
		if *list == nil {
			*list = []string{}
		}
	}
	if out.Attendees == nil {
		out.Attendees = []portal.Attendee{}
	}
	if out.Attachments == nil {
		out.Attachments = []portal.Attachment{}
	}
	return out
}

// ofParam and idParam name an appointment.
var (
	idParam = param{name: "id", in: "path", schema: "AppointmentID", about: "the appointment's id"}
	ofParam = param{name: "of", in: "query", schema: "Address", about: "whose calendar it stands in; one's own if it is left out"}
)

var aboutAppointments = operation{
	summary: "Appointments that touch a time, by start; of a series its occurrences",
	params: []param{
		{name: "from", in: "query", schema: "Time", about: "the beginning; without it today"},
		{name: "to", in: "query", schema: "Time", about: "the end, which is not included; without it a week after the beginning"}, ofParam,
	},
	answers: []answer{{status: 200, schema: "Appointment", list: true}}, errors: []int{400, 404},
}

func (s *Server) apiAppointments(c echo.Context) error {
	r := s.reader(c)
	from, to, err := window(c, r.Now)
	if err != nil {
		return err
	}
	of, err := s.calendarOf(c)
	if err != nil {
		return err
	}
	view, err := s.Calendar.Between(c.Request().Context(), s.person(c), of, from, to, r.Zone)
	if err != nil {
		return err
	}
	out := make([]appointmentJSON, len(view.Appointments))
	for i, a := range view.Appointments {
		out[i] = s.appointmentJSON(r.Catalogue, a)
	}
	return s.json(c, http.StatusOK, out)
}

// window reads from and to; today and a week from there where they are left out.
func window(c echo.Context, now time.Time) (from, to time.Time, err error) {
	y, m, d := now.Date()
	from = time.Date(y, m, d, 0, 0, 0, 0, now.Location())
	if text := c.QueryParam("from"); text != "" {
		if from, err = time.Parse(time.RFC3339, text); err != nil {
			return from, to, portal.Fail(portal.ErrInvalid, "appointment.from-to").Because(err)
		}
	}
	to = from.AddDate(0, 0, 7)
	if text := c.QueryParam("to"); text != "" {
		if to, err = time.Parse(time.RFC3339, text); err != nil {
			return from, to, portal.Fail(portal.ErrInvalid, "appointment.from-to").Because(err)
		}
	}
	if !to.After(from) || to.Sub(from) > maxWindow {
		return from, to, portal.Fail(portal.ErrInvalid, "appointment.from-to")
	}
	return from, to, nil
}

// newAppointmentBody is something new. All times are RFC 3339; of an all-day one only the dates they show count.
type newAppointmentBody struct {
	ID              string            `json:"id"`
	Subject         string            `json:"subject"`
	Body            string            `json:"body"`
	Location        string            `json:"location"`
	Start           *time.Time        `json:"start"`
	End             *time.Time        `json:"end"`
	AllDay          bool              `json:"all_day"`
	TimeZone        string            `json:"time_zone"`
	Recurrence      string            `json:"recurrence"`
	Attendees       []portal.Attendee `json:"attendees"`
	Show            portal.FreeBusy   `json:"show"`
	Private         bool              `json:"private"`
	ReminderMinutes *int              `json:"reminder_minutes"`
	Categories      []string          `json:"categories"`
	People          []string          `json:"people"`
	Companies       []string          `json:"companies"`
	// Source is where it is made: "crm" or "exchange" (also "").
	Source string `json:"source"`
}

var aboutCreateAppointment = operation{
	summary: "Make an appointment; who is named as attendee is invited. A repeat of an id changes nothing",
	params:  []param{ofParam}, body: "NewAppointment",
	answers: []answer{{status: 201, schema: "Appointment", about: "it is kept; sync.state says whether the server has it"}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiCreateAppointment(c echo.Context) error {
	var in newAppointmentBody
	if err := body(c, &in); err != nil {
		return err
	}
	of, err := s.calendarOf(c)
	if err != nil {
		return err
	}
	a, err := s.newOf(c, in)
	if err != nil {
		return err
	}
	made, err := s.Calendar.Create(c.Request().Context(), s.person(c), of, a)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusCreated, s.appointmentJSON(s.catalogue(c), made))
}

// newOf is the appointment that a body describes.
func (s *Server) newOf(c echo.Context, in newAppointmentBody) (portal.Appointment, error) {
	if err := s.nameable(in.ID); err != nil {
		return portal.Appointment{}, err
	}
	if in.Start == nil || in.End == nil {
		return portal.Appointment{}, portal.Fail(portal.ErrInvalid, "appointment.start")
	}
	if strings.TrimSpace(in.Subject) == "" {
		return portal.Appointment{}, portal.Fail(portal.ErrInvalid, "appointment.subject-missing")
	}
	if in.TimeZone == "" {
		in.TimeZone = s.reader(c).Zone.String()
	} else if s.zones.find(in.TimeZone) == nil {
		return portal.Appointment{}, portal.Fail(portal.ErrInvalid, "settings.time-zone")
	}
	if in.Show == "" {
		in.Show = portal.ShowBusy
	}
	if !slices.Contains([]string{"", portal.SourceExchange, portal.SourceCRM}, in.Source) {
		return portal.Appointment{}, portal.Fail(portal.ErrInvalid, "appointment.source")
	}
	start, end := instants(*in.Start, *in.End, in.AllDay)
	attendees, err := s.invited(c, in.Attendees)
	if err != nil {
		return portal.Appointment{}, err
	}
	return portal.Appointment{
		ID: in.ID, Subject: in.Subject, Body: in.Body, Location: in.Location, Start: start, End: end, AllDay: in.AllDay, TimeZone: in.TimeZone,
		Recurrence: in.Recurrence, Attendees: attendees, Meeting: len(attendees) > 0, Show: in.Show, Private: in.Private,
		ReminderMinutes: in.ReminderMinutes, Categories: in.Categories, People: in.People, Companies: in.Companies, Source: in.Source,
	}, nil
}

// instants are a body's times as an appointment keeps them: of whole days the dates as they are written.
func instants(start, end time.Time, allDay bool) (time.Time, time.Time) {
	if !allDay {
		return start.UTC(), end.UTC()
	}
	date := func(t time.Time) time.Time {
		y, m, d := t.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return date(start), date(end)
}

// invited fills in what the address book knows of attendees: they can be named by URI or by e-mail address.
func (s *Server) invited(c echo.Context, all []portal.Attendee) ([]portal.Attendee, error) {
	out := make([]portal.Attendee, 0, len(all))
	for _, a := range all {
		if a.URI != "" {
			uri, err := portal.ParseAddress(string(a.URI))
			if err != nil {
				return nil, err
			}
			p := s.Directory.Lookup(c.Request().Context(), uri)
			known := attendeeOf(p)
			a.URI = uri
			if a.Email == "" {
				a.Email = known.Email
			}
			if a.Name == "" {
				a.Name = known.Name
			}
		}
		if a.Email == "" || !strings.Contains(a.Email, "@") {
			return nil, portal.Fail(portal.ErrInvalid, "appointment.attendee").With("text", a.Name)
		}
		if a.Role == "" {
			a.Role = portal.RoleRequired
		}
		if !slices.Contains([]portal.AttendeeRole{portal.RoleRequired, portal.RoleOptional, portal.RoleResource}, a.Role) {
			return nil, portal.Fail(portal.ErrInvalid, "appointment.attendee").With("text", a.Email)
		}
		out = withAttendee(out, portal.Attendee{URI: a.URI, Name: a.Name, Email: a.Email, Role: a.Role, Response: portal.ResponseNone, List: a.List})
	}
	return out, nil
}

var aboutAppointment = operation{
	summary: "One appointment; of a series' id the whole series, of an occurrence's that occurrence", params: []param{idParam, ofParam},
	answers: []answer{{status: 200, schema: "Appointment"}}, errors: []int{400, 404},
}

func (s *Server) apiAppointment(c echo.Context) error {
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	a, err := s.Calendar.Get(c.Request().Context(), me, of, id)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, s.appointmentJSON(s.catalogue(c), a))
}

// changeBody is a change: what is not in it stays as it is. Version is the one it was made from.
type changeBody struct {
	portal.AppointmentChange
	Version string `json:"version"`
}

func (b *changeBody) UnmarshalJSON(data []byte) error {
	if err := b.AppointmentChange.UnmarshalJSON(data); err != nil {
		return err
	}
	var rest struct {
		Version string `json:"version"`
	}
	if err := decodeMember(data, &rest); err != nil {
		return err
	}
	b.Version = rest.Version
	return nil
}

var aboutChangeAppointment = operation{
	summary: "Change an appointment; what is left out stays as it is", params: []param{idParam, ofParam}, body: "AppointmentChange",
	answers: []answer{{status: 200, schema: "Appointment", about: "it is kept; sync.state says whether the server has it"}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiChangeAppointment(c echo.Context) error {
	var in changeBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.Version == "" {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "version")
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	now, err := s.Calendar.Get(ctx, me, of, id)
	if err != nil {
		return err
	}
	ch := in.AppointmentChange
	if ch.Attendees != nil {
		wanted, err := s.invited(c, *ch.Attendees)
		if err != nil {
			return err
		}
		ch.Attendees = &wanted
		if ch.Known == nil { // whoever sends a whole list with a version has seen that version's
			for _, a := range now.Attendees {
				ch.Known = append(ch.Known, a.Email)
			}
		}
	}
	allDay := now.AllDay
	if ch.AllDay != nil {
		allDay = *ch.AllDay
	}
	for _, t := range []*time.Time{ch.Start, ch.End} {
		if t != nil {
			*t, _ = instants(*t, *t, allDay)
		}
	}
	if _, at := portal.SplitOccurrenceID(id); !at.IsZero() && (ch.Scope == "" || ch.Scope == portal.ScopeOne) {
		ch.Scope, ch.Occurrence = portal.ScopeOne, at
	}
	fresh, err := s.Calendar.Change(ctx, me, of, id, ch, in.Version)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, s.appointmentJSON(s.catalogue(c), fresh))
}

type deleteBody struct {
	Version string       `json:"version"`
	Comment string       `json:"comment"`
	Scope   portal.Scope `json:"scope"`
}

var aboutDeleteAppointment = operation{
	summary: "Take an appointment away; the organiser of a meeting cancels it, and the comment goes with that",
	params:  []param{idParam, ofParam, {name: "version", in: "query", schema: "Text", about: "the version that is meant; without it any"}},
	body:    "AppointmentDeletion", bodyOptional: true,
	answers: []answer{{status: 204, about: "gone"}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiDeleteAppointment(c echo.Context) error {
	in := deleteBody{Version: c.QueryParam("version")}
	if err := optionalBody(c, &in); err != nil {
		return err
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	if err := s.Calendar.Delete(c.Request().Context(), me, of, id, in.Version, clip(in.Comment, maxComment), in.Scope); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

type responseBody struct {
	Response portal.Response  `json:"response"`
	Comment  string           `json:"comment"`
	Scope    portal.Scope     `json:"scope"`
	Propose  *portal.Proposal `json:"propose"`
}

var aboutRespond = operation{
	summary: "Answer an invitation, with a comment and perhaps another time. What one declines leaves the calendar: its status is then “removed”", params: []param{idParam, ofParam}, body: "AppointmentResponse",
	answers: []answer{{status: 200, schema: "Appointment"}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiRespond(c echo.Context) error {
	var in responseBody
	if err := body(c, &in); err != nil {
		return err
	}
	if !in.Response.Answerable() && in.Response != portal.ResponseNone {
		return portal.Fail(portal.ErrInvalid, "appointment.response")
	}
	var proposal portal.Proposal
	if in.Propose != nil {
		if proposal = *in.Propose; !proposal.End.After(proposal.Start) {
			return portal.Fail(portal.ErrInvalid, "appointment.proposal")
		}
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	a, err := s.Calendar.Respond(c.Request().Context(), me, of, id, in.Response, clip(in.Comment, maxComment), proposal, in.Scope)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, s.appointmentJSON(s.catalogue(c), a))
}

// answerJSON is one invited person's answer.
type answerJSON struct {
	portal.Attendee
	Since            time.Time     `json:"since,omitzero"`
	New              bool          `json:"new"`
	OutOfOffice      string        `json:"out_of_office,omitempty"`
	OutOfOfficeUntil time.Time     `json:"out_of_office_until,omitzero"`
	Away             bool          `json:"away"`
	AwayAsOf         time.Time     `json:"away_as_of,omitzero"`
	AwayUnknown      bool          `json:"away_unknown"`
	Presence         *presenceJSON `json:"presence,omitempty"`
}

type tallyJSON struct {
	Invited   int `json:"invited"`
	Accepted  int `json:"accepted"`
	Tentative int `json:"tentative"`
	Declined  int `json:"declined"`
	Waiting   int `json:"waiting"`
}

type responsesJSON struct {
	Appointment appointmentJSON `json:"appointment"`
	Relation    string          `json:"relation"`
	Tally       tallyJSON       `json:"tally"`
	Responses   []answerJSON    `json:"responses"`
}

var aboutAppointmentResponses = operation{
	summary: "Who answered what to a meeting, with the presence of those who are on this portal", params: []param{idParam},
	answers: []answer{{status: 200, schema: "AppointmentResponses"}}, errors: []int{400, 404},
}

func (s *Server) apiAppointmentResponses(c echo.Context) error {
	me, _, id, err := s.target(c)
	if err != nil {
		return err
	}
	r := s.reader(c)
	found, err := s.Calendar.Responses(c.Request().Context(), me, id)
	if err != nil {
		return err
	}
	out := responsesJSON{Appointment: s.appointmentJSON(r.Catalogue, found.Appointment), Relation: found.Relation, Tally: tallyJSON(found.Tally), Responses: []answerJSON{}}
	for _, a := range found.Answers {
		row := answerJSON{Attendee: a.Attendee, Since: a.Since, New: a.New, Away: a.Away, AwayAsOf: a.AwayAsOf, AwayUnknown: a.AwayUnknown,
			OutOfOffice: a.OutOfOffice, OutOfOfficeUntil: a.OutOfOfficeUntil}
		if a.URI != "" {
			p := presenceFor(r, s.Presence.Of(me, a.URI))
			row.Presence = &p
		}
		out.Responses = append(out.Responses, row)
	}
	return s.json(c, http.StatusOK, out)
}

type meetingJSON struct {
	Appointment appointmentJSON     `json:"appointment"`
	Relation    string              `json:"relation"`
	Tally       tallyJSON           `json:"tally"`
	News        []portal.AnswerNews `json:"news"`
}

type overviewJSON struct {
	Meetings  []meetingJSON `json:"meetings"`
	Totals    tallyJSON     `json:"totals"`
	News      int           `json:"news"`
	LookedAt  time.Time     `json:"looked_at,omitzero"`
	Loading   bool          `json:"loading"`
	Truncated bool          `json:"truncated"`
	Missing   []missingJSON `json:"missing"`
}

// missingJSON is somebody whose meetings should be in the overview and are not.
type missingJSON struct {
	URI      portal.Address `json:"uri"`
	Name     string         `json:"name"`
	Relation string         `json:"relation"`
	Error    string         `json:"error"`
	ErrorKey string         `json:"error_key"`
}

var aboutOverview = operation{
	summary: "Coming meetings of one's own, of one's team and of those who made one a delegate, with how the answers stand",
	params: []param{
		{name: "who", in: "query", schema: "OverviewWho", about: "whose meetings"}, {name: "only", in: "query", schema: "OverviewOnly", about: "which of them"},
		{name: "days", in: "query", schema: "OverviewDays", about: "how far ahead"}, {name: "from", in: "query", schema: "Date", about: "the first day; without it now"},
		{name: "q", in: "query", schema: "Query", about: "a text that occurs in them"},
	},
	answers: []answer{{status: 200, schema: "Overview"}}, errors: []int{400},
}

func (s *Server) apiOverview(c echo.Context) error {
	r := s.reader(c)
	_, o, err := s.overview(c, r)
	if err != nil {
		return err
	}
	out := overviewJSON{Meetings: []meetingJSON{}, Totals: tallyJSON(o.Totals), News: o.News, LookedAt: o.LookedAt, Loading: o.Loading, Truncated: o.Truncated,
		Missing: []missingJSON{}}
	for _, m := range o.Meetings {
		row := meetingJSON{Appointment: s.appointmentJSON(r.Catalogue, m.Appointment), Relation: m.Relation, Tally: tallyJSON(m.Tally), News: m.News}
		if row.News == nil {
			row.News = []portal.AnswerNews{}
		}
		out.Meetings = append(out.Meetings, row)
	}
	for _, m := range o.Missing {
		out.Missing = append(out.Missing, missingJSON{URI: m.Who, Name: m.Name, Relation: m.Relation, Error: sentence(r.Catalogue, m.Reason, nil), ErrorKey: m.Reason})
	}
	return s.json(c, http.StatusOK, out)
}

var aboutLooked = operation{summary: "The person has now seen the answers", answers: []answer{{status: 204, about: "noted"}}}

func (s *Server) apiLooked(c echo.Context) error {
	if err := s.Calendar.Looked(c.Request().Context(), s.person(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

var _ Calendar = (*calendar.Service)(nil)
