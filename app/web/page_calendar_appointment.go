package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/calendar"
	"portico/app/portal"
	"portico/views"
)

// maxComment is the longest comment of an answer or a message of a cancellation, in bytes.
const maxComment = 8000

// appointmentPage shows one appointment.
func (s *Server) appointmentPage(c echo.Context) error {
	return s.showAppointment(c, http.StatusOK, nil, nil)
}

// showAppointment renders an appointment's page; problem is what went wrong with what was asked of it, and typed
// fills in again what had been typed.
func (s *Server) showAppointment(c echo.Context, status int, problem error, typed func(*views.AppointmentPage)) error {
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	f, err := s.calendarFrame(c, views.Calendar, "nav.calendar")
	if err != nil {
		return err
	}
	f.Here = views.AppointmentPath(me, of, id)
	if problem != nil {
		f.Problem = f.Failure(problem)
	}
	a, err := s.Calendar.Get(ctx, me, of, id)
	if err != nil {
		return err
	}
	a.Calendar = of
	if a.Subject != "" && !a.Masked {
		f.Title = a.Subject
	}
	v := views.AppointmentPage{
		Frame: f, Appointment: a, Owner: s.Directory.Lookup(ctx, of), BodyHTML: s.cleanHTML(a.BodyHTML), Repeat: s.repeatWords(f.Reader, a),
		Saved: savedWord(c.QueryParam("saved")), Back: s.backFrom(c, f.Reader, a),
	}
	if v.Rights, err = s.rightsOn(ctx, me, of, a, f.Zone); err != nil {
		return err
	}
	if v.CRM, err = s.crmOf(c, f, of, a); err != nil {
		return err
	}
	if a.Meeting && a.Mine && !a.Masked {
		if v.Answers, err = s.meetingAnswers(ctx, me, f.Here, a.ID); err != nil {
			return err
		}
	}
	if of == me && !a.AllDay && a.Show != portal.ShowFree && a.Status != portal.StatusCancelled {
		if v.Conflicts, err = s.Calendar.Conflicts(ctx, me, a.Start, a.End, a.ID); err != nil {
			s.Logger.Debug("conflicts for a page", "error", err)
		}
	}
	if v.State, err = s.Calendar.Status(ctx, me); err != nil {
		return err
	}
	if typed != nil {
		typed(&v)
	}
	return s.render(c, status, views.AppointmentView(v))
}

// savedWord lets only known words into a catalogue key.
func savedWord(word string) string {
	if slices.Contains([]string{"saved", "answered", "forwarded", "nudged", "moved", "invited"}, word) {
		return word
	}
	return ""
}

// repeatWords says how an appointment repeats.
func (s *Server) repeatWords(r views.Reader, a portal.Appointment) string {
	if a.Recurrence == "" {
		return ""
	}
	start := a.Start.In(s.appointmentZone(a, r.Zone))
	if a.AllDay {
		start = a.Start.UTC()
	}
	return repeatOf(a.Recurrence, start, a.AllDay).Words(r)
}

// rightsOn is what the reader may do in a calendar: the calendar's own word for it.
func (s *Server) rightsOn(ctx context.Context, me, of portal.Address, a portal.Appointment, zone *time.Location) (string, error) {
	if me == of {
		return calendar.RightsOwner, nil
	}
	view, err := s.Calendar.Between(ctx, me, of, a.Start, a.Start.Add(time.Minute), zone)
	if err != nil {
		return "", err
	}
	return view.Rights, nil
}

// meetingAnswers are the answers to a meeting with who the people are; nil where the reader may not see them.
func (s *Server) meetingAnswers(ctx context.Context, me portal.Address, here, id string) (*views.MeetingAnswers, error) {
	found, err := s.Calendar.Responses(ctx, me, id)
	if errors.Is(err, portal.ErrForbidden) || errors.Is(err, portal.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := &views.MeetingAnswers{
		Appointment: found.Appointment, Tally: views.Tally(found.Tally), Me: me, Here: here,
		Organizes: found.Relation == calendar.RelationOwn && found.Appointment.Mine,
	}
	if out.Appointment.Calendar == "" {
		out.Appointment.Calendar = me
	}
	for _, answer := range found.Answers {
		row := views.AnswerRow{
			Attendee: answer.Attendee, Since: answer.Since, New: answer.New, Away: answer.Away, Note: answer.OutOfOffice, Until: answer.OutOfOfficeUntil,
			AsOf: answer.AwayAsOf, AwayUnknown: answer.AwayUnknown,
		}
		if answer.URI != "" {
			row.Known, row.Person, row.Presence = true, s.Directory.Lookup(ctx, answer.URI), s.Presence.Of(me, answer.URI)
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// respondByForm answers an invitation, with a comment and, where one is proposed, another time.
func (s *Server) respondByForm(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	answer, comment := portal.Response(c.FormValue("response")), clip(c.FormValue("comment"), maxComment)
	proposal, err := proposalOf(c, s.reader(c).Zone)
	if err == nil && !answer.Answerable() {
		err = portal.Fail(portal.ErrInvalid, "appointment.response")
	}
	ctx := c.Request().Context()
	var a portal.Appointment
	if err == nil {
		a, err = s.Calendar.Get(ctx, me, of, id)
	}
	if err == nil {
		_, err = s.Calendar.Respond(ctx, me, of, id, answer, comment, proposal, portal.Scope(c.FormValue("scope")))
	}
	if err == nil && answer == portal.ResponseDeclined {
		return s.done(c, s.backToDay(c, s.reader(c), a)) // what is declined leaves the calendar
	}
	return s.acted(c, err, views.AppointmentPath(me, of, id), "answered", func(v *views.AppointmentPage) {
		v.Comment = comment
		v.ProposeDate, v.ProposeStart, v.ProposeEnd = c.FormValue("propose_date"), c.FormValue("propose_start"), c.FormValue("propose_end")
	})
}

// proposalOf reads the time that is proposed; none where no day is named.
func proposalOf(c echo.Context, zone *time.Location) (portal.Proposal, error) {
	day := c.FormValue("propose_date")
	if day == "" {
		return portal.Proposal{}, nil
	}
	start, err := time.ParseInLocation(dateLayout+" "+timeLayout, day+" "+c.FormValue("propose_start"), zone)
	end, err2 := time.ParseInLocation(dateLayout+" "+timeLayout, day+" "+c.FormValue("propose_end"), zone)
	if err != nil || err2 != nil || !end.After(start) {
		return portal.Proposal{}, portal.Fail(portal.ErrInvalid, "appointment.proposal")
	}
	return portal.Proposal{Start: start.UTC(), End: end.UTC()}, nil
}

// acted answers a form on an appointment's page: on success it leads back and says what was done; what people can
// read about a failure stands on the page, with what they had typed.
func (s *Server) acted(c echo.Context, err error, path, what string, typed func(*views.AppointmentPage)) error {
	var said *portal.Error
	switch {
	case err == nil && partial(c):
		return c.NoContent(http.StatusNoContent)
	case err == nil:
		return c.Redirect(http.StatusSeeOther, withSaved(path, what))
	case !errors.As(err, &said) || partial(c) || errors.Is(err, portal.ErrNotFound):
		return err
	}
	f := classify(err)
	c.Set(failedKey, err)
	setRetryAfter(c, f)
	return s.showAppointment(c, f.status, err, typed)
}

// back answers a form that stands on more than one page: it leads to the page it came from.
func (s *Server) back(c echo.Context, err error, path, what string) error {
	if here := relativeTarget(c.FormValue("here")); here != "/" {
		path = here
	}
	if !strings.HasPrefix(path, "/calendar/") {
		if err != nil {
			return err
		}
		if partial(c) {
			return c.NoContent(http.StatusNoContent)
		}
		return c.Redirect(http.StatusSeeOther, withSaved(path, what)+"#answers-pane")
	}
	return s.acted(c, err, path, what, nil)
}

// deleteByForm takes an appointment away, or cancels a meeting.
func (s *Server) deleteByForm(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	a, err := s.Calendar.Get(ctx, me, of, id)
	if err != nil {
		return err
	}
	err = s.Calendar.Delete(ctx, me, of, id, c.FormValue("version"), clip(c.FormValue("comment"), maxComment), portal.Scope(c.FormValue("scope")))
	if err != nil {
		return s.acted(c, err, "", "", nil)
	}
	return s.done(c, s.backToDay(c, s.reader(c), a))
}

// forwardByForm passes an invitation on.
func (s *Server) forwardByForm(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	ctx, typed, comment := c.Request().Context(), clip(c.FormValue("to"), maxComment), clip(c.FormValue("comment"), maxComment)
	to, err := s.attendeesOf(ctx, typed)
	if err == nil {
		err = s.Calendar.Forward(ctx, me, of, id, to, comment)
	}
	return s.acted(c, err, views.AppointmentPath(me, of, id), "forwarded", func(v *views.AppointmentPage) { v.To, v.ToComment = typed, comment })
}

// attendeesOf are the people whose addresses stand in a line, separated by commas.
func (s *Server) attendeesOf(ctx context.Context, line string) ([]portal.Attendee, error) {
	var out []portal.Attendee
	for part := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ',' || r == ';' }) {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		a, err := portal.ParseAddress(part)
		if err != nil {
			return nil, portal.Fail(portal.ErrInvalid, "appointment.attendee").With("text", part)
		}
		out = withAttendee(out, attendeeOf(s.Directory.Lookup(ctx, a)))
	}
	if len(out) == 0 {
		return nil, portal.Fail(portal.ErrInvalid, "appointment.attendee").With("text", line)
	}
	return out, nil
}

// moveAppointment moves an appointment or changes its end, as the grid's script asks it.
func (s *Server) moveAppointment(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	ch := portal.AppointmentChange{Scope: portal.Scope(c.FormValue("scope"))}
	if err := movedTo(c, &ch); err != nil {
		return err
	}
	if _, at := portal.SplitOccurrenceID(id); !at.IsZero() && (ch.Scope == "" || ch.Scope == portal.ScopeOne) {
		ch.Scope, ch.Occurrence = portal.ScopeOne, at
	}
	_, err = s.Calendar.Change(c.Request().Context(), me, of, id, ch, c.FormValue("version"))
	if err != nil {
		return err
	}
	return s.done(c, views.AppointmentPath(me, of, id))
}

// movedTo reads the new times. All-day ones have them as dates at midnight in UTC.
func movedTo(c echo.Context, ch *portal.AppointmentChange) error {
	start, err := time.Parse(calendarTime, c.FormValue("start"))
	if err != nil {
		return portal.Fail(portal.ErrInvalid, "appointment.start").Because(err)
	}
	end, err := time.Parse(calendarTime, c.FormValue("end"))
	if err != nil || end.Before(start) {
		return portal.Fail(portal.ErrInvalid, "appointment.end").Because(err)
	}
	ch.Start, ch.End = &start, &end
	if text := c.FormValue("all_day"); text != "" {
		allDay := text == "true"
		ch.AllDay = &allDay
	}
	return nil
}

// takeProposal moves a meeting to the time that somebody proposed.
func (s *Server) takeProposal(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	var ch portal.AppointmentChange
	if err := movedTo(c, &ch); err != nil {
		return err
	}
	if _, at := portal.SplitOccurrenceID(id); !at.IsZero() {
		ch.Scope, ch.Occurrence = portal.ScopeOne, at
	}
	_, err = s.Calendar.Change(c.Request().Context(), me, of, id, ch, c.FormValue("version"))
	return s.back(c, err, views.AppointmentPath(me, of, id), "moved")
}

// nudge reminds somebody who has not answered by a message.
func (s *Server) nudge(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	who, err := portal.ParseAddress(c.FormValue("who"))
	if err != nil {
		return err
	}
	_, err = s.remind(c.Request().Context(), s.reader(c), me, of, id, who)
	if errors.Is(err, portal.ErrNotFound) {
		return err
	}
	return s.back(c, err, views.AppointmentPath(me, of, id), "nudged")
}

// inviteInstead invites somebody in the place of one who has not answered.
func (s *Server) inviteInstead(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	ctx, out := c.Request().Context(), c.FormValue("out")
	path := views.AppointmentPath(me, of, id)
	uri, err := s.onePerson(ctx, me, c.FormValue("in"))
	if err != nil {
		return s.back(c, err, path, "")
	}
	a, err := s.Calendar.Get(ctx, me, of, id)
	if err != nil {
		return err
	}
	ch := portal.AppointmentChange{}
	wanted := slices.Clone(a.Attendees)
	role := portal.RoleRequired
	for _, p := range a.Attendees {
		ch.Known = append(ch.Known, p.Email)
		if strings.EqualFold(p.Email, out) {
			role = p.Role
		}
	}
	wanted = slices.DeleteFunc(wanted, func(p portal.Attendee) bool { return strings.EqualFold(p.Email, out) })
	fresh := attendeeOf(s.Directory.Lookup(ctx, uri))
	fresh.Role = role
	wanted = withAttendee(wanted, fresh)
	ch.Attendees = &wanted
	if _, at := portal.SplitOccurrenceID(id); !at.IsZero() {
		ch.Scope, ch.Occurrence = portal.ScopeOne, at
	}
	_, err = s.Calendar.Change(ctx, me, of, id, ch, c.FormValue("version"))
	return s.back(c, err, path, "invited")
}

// retryChange tries a refused change once more.
func (s *Server) retryChange(c echo.Context) error { return s.settle(c, s.Calendar.Retry) }

// discardChange gives a refused change up.
func (s *Server) discardChange(c echo.Context) error { return s.settle(c, s.Calendar.Discard) }

func (s *Server) settle(c echo.Context, do func(ctx context.Context, me, of portal.Address, id string) error) error {
	if err := form(c); err != nil {
		return err
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	if err := do(c.Request().Context(), me, of, id); err != nil {
		return err
	}
	return s.done(c, "/calendar")
}
