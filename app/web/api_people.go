package web

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"portico/app/calendar/quickadd"
	"portico/app/chat"
	"portico/app/portal"
	"portico/views"
)

// What the calendar's forms do on the way to an appointment, for programs: whom to invite, what would collide, one line instead of a form,
// and a word to those who have not answered.

// findsQuery is the text of a search; at least least characters.
func findsQuery(c echo.Context, least int) (string, error) {
	q := strings.TrimSpace(c.QueryParam("q"))
	if n := utf8.RuneCountInString(q); !utf8.ValidString(q) || n < least || n > maxQueryLen {
		return "", portal.Fail(portal.ErrInvalid, "calendar.search")
	}
	return q, nil
}

var aboutFindAttendees = operation{
	summary: "People, lists and rooms to invite: of the portal's address book and of the calendar server's",
	params:  []param{{name: "q", in: "query", schema: "Query", about: "the beginning of a name or an address, at least two characters"}},
	answers: []answer{{status: 200, schema: "Attendee", list: true}}, errors: []int{400},
}

func (s *Server) apiFindAttendees(c echo.Context) error {
	q, err := findsQuery(c, 2)
	if err != nil {
		return err
	}
	found, err := s.invitable(c.Request().Context(), s.person(c), q)
	if err != nil {
		return err
	}
	return s.attendees(c, found)
}

// invitable are those whom a text may mean, without who asks: of the portal's address book first, then of the server's. While that one is
// away the portal's must do. A whole address can be invited even if nobody knows it.
func (s *Server) invitable(ctx context.Context, me portal.Address, query string) ([]portal.Attendee, error) {
	people, err := s.Directory.Search(ctx, query, foundPeople)
	if err != nil {
		return nil, err
	}
	var found []portal.Attendee
	for _, p := range people {
		if p.URI != me {
			found = withAttendee(found, attendeeOf(p))
		}
	}
	if utf8.RuneCountInString(query) >= 2 {
		resolved, err := s.Calendar.Resolve(ctx, me, query)
		if err != nil && portal.Meaning(err) == nil {
			return nil, err
		}
		for _, a := range resolved {
			if a.URI != me && len(found) < 2*foundPeople {
				found = withAttendee(found, a)
			}
		}
	}
	if a, err := portal.ParseAddress(query); err == nil && len(found) == 0 {
		found = append(found, attendeeOf(s.Directory.Lookup(ctx, a)))
	}
	return found, nil
}

// attendees answers with people who can be invited.
func (s *Server) attendees(c echo.Context, list []portal.Attendee) error {
	out := make([]portal.Attendee, 0, len(list))
	for _, a := range list {
		if a.Role == "" {
			a.Role = portal.RoleRequired
		}
		out = append(out, a)
	}
	return s.json(c, http.StatusOK, out)
}

var aboutRooms = operation{
	summary: "The rooms that can be booked", answers: []answer{{status: 200, schema: "Attendee", list: true}},
}

func (s *Server) apiBookableRooms(c echo.Context) error {
	rooms, err := s.Calendar.Rooms(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	for i := range rooms {
		rooms[i].Role = portal.RoleResource
	}
	return s.attendees(c, rooms)
}

var aboutMembers = operation{
	summary: "The members of a distribution list", params: []param{{name: "email", in: "path", schema: "Text", about: "the list's e-mail address"}},
	answers: []answer{{status: 200, schema: "Attendee", list: true}}, errors: []int{400, 404},
}

func (s *Server) apiMembers(c echo.Context) error {
	email, err := pathText(c, "email")
	if err != nil {
		return err
	}
	if at := strings.IndexByte(email, '@'); at < 1 || at == len(email)-1 || len(email) > 254 {
		return portal.Fail(portal.ErrInvalid, "appointment.attendee").With("text", clip(email, maxQuery))
	}
	members, err := s.Calendar.Expand(c.Request().Context(), s.person(c), email)
	if err != nil {
		return err
	}
	return s.attendees(c, members)
}

var aboutConflicts = operation{
	summary: "What takes the person's time then",
	params: []param{
		{name: "from", in: "query", schema: "Time", about: "the beginning; without it today"},
		{name: "to", in: "query", schema: "Time", about: "the end, which is not included; without it a week after the beginning"},
		{name: "except", in: "query", schema: "AppointmentID", about: "an appointment that does not count: the one that is being moved"},
	},
	answers: []answer{{status: 200, schema: "Appointment", list: true}}, errors: []int{400},
}

func (s *Server) apiConflicts(c echo.Context) error {
	r := s.reader(c)
	from, to, err := window(c, r.Now)
	if err != nil {
		return err
	}
	found, err := s.Calendar.Conflicts(c.Request().Context(), s.person(c), from, to, c.QueryParam("except"))
	if err != nil {
		return err
	}
	out := make([]appointmentJSON, len(found))
	for i, a := range found {
		out[i] = s.appointmentJSON(r.Catalogue, a)
	}
	return s.json(c, http.StatusOK, out)
}

type quickBody struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

var aboutQuick = operation{
	summary: "Make an appointment of one line: “Lunch with Bob tomorrow 12:30”. A repeat of an id changes nothing", body: "QuickAppointment",
	answers: []answer{{status: 201, schema: "Appointment", about: "it is kept; sync.state says whether the server has it"}}, errors: []int{400, 409, 413, 415},
}

func (s *Server) apiQuick(c echo.Context) error {
	var in quickBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.ID == "" {
		in.ID = uuid.NewString()
	}
	if err := s.nameable(in.ID); err != nil {
		return err
	}
	made, err := s.addLine(c.Request().Context(), s.reader(c), s.person(c), in.ID, in.Text)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusCreated, s.appointmentJSON(s.catalogue(c), made))
}

// addLine makes an appointment of a line as somebody types it.
func (s *Server) addLine(ctx context.Context, r views.Reader, me portal.Address, id, line string) (portal.Appointment, error) {
	parsed, err := quickadd.Parse(line, r.Now)
	if err != nil {
		return portal.Appointment{}, err
	}
	a := portal.Appointment{
		ID: id, Subject: parsed.Subject, Location: parsed.Location, Start: parsed.Start, End: parsed.End, AllDay: parsed.AllDay,
		TimeZone: r.Zone.String(), Show: portal.ShowBusy, ReminderMinutes: defaultReminder(parsed.AllDay),
	}
	if parsed.AllDay {
		a.Show = portal.ShowFree
	}
	return s.Calendar.Create(ctx, me, me, a)
}

type nudgeBody struct {
	Who portal.Address `json:"who"`
}

var aboutNudge = operation{
	summary: "Remind somebody who is invited, by a message in the person's language", params: []param{idParam, ofParam}, body: "Nudge",
	answers: []answer{{status: 202, schema: "Said", about: "it is stored and will be sent"}}, errors: []int{400, 404, 413, 415},
}

func (s *Server) apiNudge(c echo.Context) error {
	var in nudgeBody
	if err := body(c, &in); err != nil {
		return err
	}
	who, err := portal.ParseAddress(string(in.Who))
	if err != nil {
		return portal.Fail(portal.ErrInvalid, "appointment.who").Because(err)
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	m, err := s.remind(c.Request().Context(), s.reader(c), me, of, id, who)
	if err != nil {
		return err
	}
	s.there(c)
	out := sayAnswer{ID: m.ID, State: m.State}
	if m.Reason != "" {
		out.Reason, out.ReasonKey = sentence(s.catalogue(c), m.Reason, nil), m.Reason
	}
	return s.json(c, http.StatusAccepted, out)
}

// remind reminds somebody who is invited of a meeting, by a message.
func (s *Server) remind(ctx context.Context, r views.Reader, me, of portal.Address, id string, who portal.Address) (portal.Message, error) {
	a, err := s.Calendar.Get(ctx, me, of, id)
	if err != nil {
		return portal.Message{}, err
	}
	invited := false
	for _, p := range a.Attendees {
		invited = invited || p.URI == who
	}
	if !invited {
		return portal.Message{}, portal.Fail(portal.ErrInvalid, "appointment.attendee").With("text", who.Bare())
	}
	text := r.Text("responses.nudge-text", "Subject", a.Subject, "Time", r.WhenText(a))
	return s.Chat.Say(ctx, me, chat.Draft{Conversation: who, ID: uuid.NewString(), Text: text})
}

// calendarJSON is how a calendar stands.
type calendarJSON struct {
	Owner    portal.Address `json:"owner"`
	Name     string         `json:"name"`
	Rights   string         `json:"rights"`
	Loading  bool           `json:"loading"`
	State    string         `json:"state"`
	Since    time.Time      `json:"since,omitzero"`
	Error    string         `json:"error"`
	ErrorKey string         `json:"error_key,omitempty"`
	Waiting  int            `json:"waiting"`
	Failed   int            `json:"failed"`
}

var aboutCalendar = operation{
	summary: "How somebody's calendar stands: what the person may do in it, whether it has been read, whether its server answers, and how many of the person's changes wait or were refused",
	params:  []param{uriParam("uri")}, answers: []answer{{status: 200, schema: "CalendarState"}}, errors: []int{400, 404},
}

func (s *Server) apiCalendar(c echo.Context) error {
	owner, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	r := s.reader(c)
	ctx := c.Request().Context()
	view, err := s.Calendar.Between(ctx, s.person(c), owner, r.Now, r.Now.Add(time.Minute), r.Zone)
	if err != nil {
		return err
	}
	out := calendarJSON{Owner: owner, Name: s.Directory.Lookup(ctx, owner).DisplayName, Rights: view.Rights, Loading: view.Loading, State: view.State.State,
		Since: view.State.Since, Waiting: view.State.Waiting, Failed: view.State.Failed}
	if key := view.State.Reason; key != "" {
		out.Error, out.ErrorKey = sentence(r.Catalogue, key, nil), key
	}
	return s.json(c, http.StatusOK, out)
}
