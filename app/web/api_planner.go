package web

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/calendar"
	"portico/app/portal"
)

// The planner, and what else of the calendar programs can do.

// plannerBody asks for people's time. An attendee is an object, or just an address.
type plannerBody struct {
	Attendees []plannedAttendee `json:"attendees"`
	From      *time.Time        `json:"from"`
	To        *time.Time        `json:"to"`
	Minutes   int               `json:"minutes"`
	Except    string            `json:"except"`
}

type plannedAttendee struct{ portal.Attendee }

func (a *plannedAttendee) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) != nil {
		return json.Unmarshal(data, &a.Attendee)
	}
	uri, err := portal.ParseAddress(text)
	a.Attendee = portal.Attendee{URI: uri}
	return err
}

// decodeMember reads some of an object's members.
func decodeMember(data []byte, v any) error { return json.Unmarshal(data, v) }

type planRowJSON struct {
	Attendee portal.Attendee      `json:"attendee"`
	Busy     []portal.BusyTime    `json:"busy"`
	Working  *portal.WorkingHours `json:"working_hours,omitempty"`
	Error    string               `json:"error,omitempty"`
	ErrorKey string               `json:"error_key,omitempty"`
}

type planJSON struct {
	Attendees   []planRowJSON       `json:"attendees"`
	Suggestions []portal.Suggestion `json:"suggestions"`
	From        time.Time           `json:"from"`
	To          time.Time           `json:"to"`
	Minutes     int                 `json:"minutes"`
}

var aboutPlanner = operation{
	summary: "Free and busy times of people and rooms, and suggested times for a meeting", body: "Plan",
	answers: []answer{{status: 200, schema: "Planned"}}, errors: []int{400, 413, 415},
}

func (s *Server) apiPlanner(c echo.Context) error {
	var in plannerBody
	if err := body(c, &in); err != nil {
		return err
	}
	if len(in.Attendees) == 0 || len(in.Attendees) > maxPlanned {
		return portal.Fail(portal.ErrInvalid, "planner.attendees")
	}
	if in.From == nil || in.To == nil {
		return portal.Fail(portal.ErrInvalid, "appointment.from-to")
	}
	r := s.reader(c)
	named := make([]portal.Attendee, len(in.Attendees))
	for i, a := range in.Attendees {
		named[i] = a.Attendee
	}
	attendees, err := s.invited(c, named)
	if err != nil {
		return err
	}
	plan, err := s.Calendar.Plan(c.Request().Context(), s.person(c), calendar.PlanRequest{
		Attendees: attendees, From: in.From.In(r.Zone), To: in.To.In(r.Zone), Minutes: in.Minutes, Location: r.Zone, Except: in.Except,
	})
	if err != nil {
		return err
	}
	out := planJSON{Attendees: []planRowJSON{}, Suggestions: plan.Suggestions, From: plan.From, To: plan.To, Minutes: plan.Minutes}
	if out.Suggestions == nil {
		out.Suggestions = []portal.Suggestion{}
	}
	for i, a := range plan.Attendees {
		row := planRowJSON{Attendee: a, Busy: []portal.BusyTime{}}
		if i < len(plan.Rows) {
			if plan.Rows[i].Busy != nil {
				row.Busy = plan.Rows[i].Busy
			}
			row.Working = plan.Rows[i].Working
			if key := plan.Rows[i].Error; key != "" {
				row.Error, row.ErrorKey = sentence(r.Catalogue, key, nil), key
			}
		}
		out.Attendees = append(out.Attendees, row)
	}
	return s.json(c, http.StatusOK, out)
}

type forwardBody struct {
	To      []portal.Attendee `json:"to"`
	Comment string            `json:"comment"`
}

var aboutForward = operation{
	summary: "Pass an invitation on", params: []param{idParam, ofParam}, body: "AppointmentForward",
	answers: []answer{{status: 204, about: "it is on its way"}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiForward(c echo.Context) error {
	var in forwardBody
	if err := body(c, &in); err != nil {
		return err
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	to, err := s.invited(c, in.To)
	if err != nil {
		return err
	}
	if len(to) == 0 {
		return portal.Fail(portal.ErrInvalid, "planner.attendees")
	}
	if err := s.Calendar.Forward(c.Request().Context(), me, of, id, to, clip(in.Comment, maxComment)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

var aboutRetry = operation{
	summary: "Send a change that was refused once more", params: []param{idParam, ofParam},
	answers: []answer{{status: 204, about: "it is being sent"}}, errors: []int{400, 404, 409},
}

var aboutDiscard = operation{
	summary: "Give up a change that waits or was refused", params: []param{idParam, ofParam},
	answers: []answer{{status: 204, about: "the appointment is as the server has it"}}, errors: []int{400, 404, 409},
}

func (s *Server) apiRetry(c echo.Context) error {
	me, of, id, err := s.target(c)
	if err == nil {
		err = s.Calendar.Retry(c.Request().Context(), me, of, id)
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiDiscard(c echo.Context) error {
	me, of, id, err := s.target(c)
	if err == nil {
		err = s.Calendar.Discard(c.Request().Context(), me, of, id)
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

var aboutOutOfOffice = operation{summary: "The person's automatic reply", answers: []answer{{status: 200, schema: "OutOfOffice"}}}

func (s *Server) apiOutOfOffice(c echo.Context) error {
	note, err := s.Calendar.OutOfOffice(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, note)
}

var aboutSetOutOfOffice = operation{
	summary: "Set the person's automatic reply", body: "OutOfOffice",
	answers: []answer{{status: 200, schema: "OutOfOffice"}}, errors: []int{400, 413, 415},
}

func (s *Server) apiSetOutOfOffice(c echo.Context) error {
	var note portal.OutOfOfficeNote
	if err := body(c, &note); err != nil {
		return err
	}
	if note.Audience == "" {
		note.Audience = "none"
	}
	if err := s.Calendar.SetOutOfOffice(c.Request().Context(), s.person(c), note); err != nil {
		return err
	}
	return s.apiOutOfOffice(c)
}

var aboutReminders = operation{summary: "Reminders that are due", answers: []answer{{status: 200, schema: "Reminder", list: true}}}

func (s *Server) apiReminders(c echo.Context) error {
	due, err := s.Calendar.Reminders(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	if due == nil {
		due = []portal.ReminderEvent{}
	}
	return s.json(c, http.StatusOK, due)
}

type reminderBody struct {
	Minutes int `json:"minutes"`
}

var aboutReminder = operation{
	summary: "Dismiss a reminder, or silence it for some minutes", params: []param{idParam}, body: "Snooze", bodyOptional: true,
	answers: []answer{{status: 204, about: "done"}}, errors: []int{400, 404, 413, 415},
}

func (s *Server) apiReminder(c echo.Context) error {
	var in reminderBody
	if err := optionalBody(c, &in); err != nil {
		return err
	}
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	ctx, me := c.Request().Context(), s.person(c)
	if in.Minutes == 0 {
		err = s.Calendar.Dismiss(ctx, me, id)
	} else {
		err = s.Calendar.Snooze(ctx, me, id, time.Duration(in.Minutes)*time.Minute)
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

var aboutCalendars = operation{summary: "The calendars that stand beside one's own", answers: []answer{{status: 200, schema: "SharedCalendar", list: true}}}

func (s *Server) apiCalendars(c echo.Context) error {
	shared, err := s.Calendar.Shared(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	if shared == nil {
		shared = []portal.CalendarRef{}
	}
	return s.json(c, http.StatusOK, shared)
}

type sharedBody struct {
	Shown *bool `json:"shown"`
}

var aboutShareCalendar = operation{
	summary: "Put somebody's calendar beside one's own, or hide it", params: []param{uriParam("uri")}, body: "SharedChange", bodyOptional: true,
	answers: []answer{{status: 204, about: "done"}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiShareCalendar(c echo.Context) error {
	owner, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	var in sharedBody
	if err := optionalBody(c, &in); err != nil {
		return err
	}
	if err := s.Calendar.AddShared(c.Request().Context(), s.person(c), owner, in.Shown == nil || *in.Shown); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

var aboutUnshareCalendar = operation{
	summary: "Take somebody's calendar away again", params: []param{uriParam("uri")},
	answers: []answer{{status: 204, about: "gone"}}, errors: []int{400, 404},
}

func (s *Server) apiUnshareCalendar(c echo.Context) error {
	owner, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	if err := s.Calendar.RemoveShared(c.Request().Context(), s.person(c), owner); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
