package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// newForm is the page of a new appointment, at the time that the query names.
func (s *Server) newForm(c echo.Context) error {
	f, err := s.calendarFrame(c, views.Calendar, "appointment.new-title")
	if err != nil {
		return err
	}
	v, err := s.startForm(c, f)
	if err != nil {
		return err
	}
	return s.showForm(c, http.StatusOK, &v)
}

// startForm is the form as the query wants it: at an instant, on a day, in somebody's calendar, with somebody.
func (s *Server) startForm(c echo.Context, f views.Frame) (views.AppointmentForm, error) {
	start, end, allDay, err := s.queryTime(c, f.Reader)
	if err != nil {
		return views.AppointmentForm{}, err
	}
	v := s.newAppointmentForm(c, f, uuid.NewString(), start, end, allDay)
	v.Subject = clip(c.QueryParam("subject"), maxQuery)
	if v.Of, err = s.calendarOf(c); err != nil {
		return v, err
	}
	for _, text := range c.QueryParams()["with"] {
		a, err := portal.ParseAddress(text)
		if err != nil {
			return v, err
		}
		p := s.Directory.Lookup(c.Request().Context(), a)
		v.Attendees = append(v.Attendees, attendeeOf(p))
	}
	v.CRM, err = s.startCRM(c, v.Of)
	return v, err
}

// attendeeOf invites a person of the address book.
func attendeeOf(p portal.Person) portal.Attendee {
	email := p.Email
	if email == "" {
		email = p.URI.Bare()
	}
	return portal.Attendee{URI: p.URI, Name: p.DisplayName, Email: email, Role: portal.RoleRequired, Response: portal.ResponseNone}
}

// queryTime is when something new is to be: "at" and "until" are instants, "day" a date; else the next full hour.
func (s *Server) queryTime(c echo.Context, r views.Reader) (start, end time.Time, allDay bool, err error) {
	value := func(name string) string {
		if v := c.QueryParam(name); v != "" {
			return v
		}
		if c.Request().Form != nil {
			return c.Request().Form.Get(name)
		}
		return ""
	}
	if day := value("day"); day != "" {
		if start, err = time.Parse(dateLayout, day); err != nil {
			return start, end, true, portal.Fail(portal.ErrInvalid, "appointment.start").Because(err)
		}
		end = start.AddDate(0, 0, 1)
		if last := value("until"); last != "" {
			if end, err = time.Parse(dateLayout, last); err != nil {
				return start, end, true, portal.Fail(portal.ErrInvalid, "appointment.end").Because(err)
			}
			end = end.AddDate(0, 0, 1)
		}
		y, m, d := start.Date()
		start = time.Date(y, m, d, 0, 0, 0, 0, r.Zone)
		y, m, d = end.Date()
		return start, time.Date(y, m, d, 0, 0, 0, 0, r.Zone), true, nil
	}
	start = r.Now.Truncate(time.Hour).Add(time.Hour)
	if at := value("at"); at != "" {
		if start, err = time.Parse(calendarTime, at); err != nil {
			return start, end, false, portal.Fail(portal.ErrInvalid, "appointment.start").Because(err)
		}
	}
	end = start.Add(time.Hour)
	if until := value("until"); until != "" {
		if end, err = time.Parse(calendarTime, until); err != nil {
			return start, end, false, portal.Fail(portal.ErrInvalid, "appointment.end").Because(err)
		}
	}
	return start, end, false, nil
}

// editForm is the page of a change.
func (s *Server) editForm(c echo.Context) error {
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	f, err := s.calendarFrame(c, views.Calendar, "appointment.edit-title")
	if err != nil {
		return err
	}
	a, err := s.Calendar.Get(c.Request().Context(), me, of, id)
	if err != nil {
		return err
	}
	if a.Masked {
		return portal.Fail(portal.ErrForbidden, "forbidden")
	}
	a.Calendar = of
	v := s.formOf(f, a)
	if v.CRM, err = s.editCRM(c, f, of, a); err != nil {
		return err
	}
	return s.showForm(c, http.StatusOK, &v)
}

// showForm renders the form: whole, or alone for the page's script.
func (s *Server) showForm(c echo.Context, status int, v *views.AppointmentForm) error {
	if v.ID == "" && v.NewID == "" {
		v.NewID = uuid.NewString()
	}
	if v.Conflicts == nil {
		s.findConflicts(c, v)
	}
	if partial(c) && status == http.StatusOK {
		return s.render(c, status, views.AppointmentFormPart(*v))
	}
	return s.render(c, status, views.AppointmentFormView(*v))
}

// findConflicts warns of what the person has at that time. It is a hint: a form without it is still a form.
func (s *Server) findConflicts(c echo.Context, v *views.AppointmentForm) {
	probe := *v
	probe.Faults = map[string]string{}
	a, _ := s.wanted(&probe)
	if probe.Fault("start", "end", "zone") || a.AllDay || v.Show == portal.ShowFree || v.Of != s.person(c) {
		return
	}
	found, err := s.Calendar.Conflicts(c.Request().Context(), s.person(c), a.Start, a.End, v.ID)
	if err != nil {
		s.Logger.Debug("conflicts for a form", "error", err)
		return
	}
	v.Conflicts = found
}

// formConflicts is the warning alone, for the page's script.
func (s *Server) formConflicts(c echo.Context) error {
	f := views.Frame{Reader: s.reader(c), Me: s.Directory.Lookup(c.Request().Context(), s.person(c))}
	v, err := s.readAppointment(c, f)
	if err != nil {
		return err
	}
	s.findConflicts(c, &v)
	return s.render(c, http.StatusOK, views.ConflictsPart(v))
}

// createByForm makes an appointment of the form, or of the small one in the grid.
func (s *Server) createByForm(c echo.Context) error {
	f, err := s.calendarFrame(c, views.Calendar, "appointment.new-title")
	if err != nil {
		return err
	}
	if err := form(c); err != nil {
		return err
	}
	if c.FormValue("quick") == "1" {
		return s.createFromGrid(c, f)
	}
	v, err := s.readAppointment(c, f)
	if err != nil {
		return err
	}
	if asked, err := s.asksForPeople(c, &v); asked || err != nil {
		return err
	}
	a, ok := s.wanted(&v)
	if !ok {
		return s.showForm(c, http.StatusBadRequest, &v)
	}
	a.ID = v.NewID
	v.CRM.Over(&a)
	if _, err := s.Calendar.Create(c.Request().Context(), s.person(c), v.Of, a); err != nil {
		status, err := s.formFailure(c, &v, err)
		if err != nil {
			return err
		}
		return s.showForm(c, status, &v)
	}
	return c.Redirect(http.StatusSeeOther, onDay(v.Back, a.Start.In(zoneOf(f.Zone, a.AllDay))))
}

// asksForPeople answers with people found where a form was sent while the field that looks for them held something:
// Enter in that field, without script, means to find and not to invite.
func (s *Server) asksForPeople(c echo.Context, v *views.AppointmentForm) (asked bool, _ error) {
	if strings.TrimSpace(v.Query) == "" {
		return false, nil
	}
	if err := s.findAttendees(c, v); err != nil {
		return true, err
	}
	return true, s.showForm(c, http.StatusOK, v)
}

// createFromGrid makes an appointment of the time that was chosen in the grid.
func (s *Server) createFromGrid(c echo.Context, f views.Frame) error {
	v, err := s.startForm(c, f)
	if err != nil {
		return err
	}
	v.Subject = c.FormValue("subject")
	a, ok := s.wanted(&v)
	if !ok {
		return portal.Fail(portal.ErrInvalid, "appointment.subject-missing")
	}
	a.ID = v.NewID
	if _, err := s.Calendar.Create(c.Request().Context(), s.person(c), v.Of, a); err != nil {
		return err
	}
	return s.done(c, s.backToDay(c, f.Reader, a))
}

// changeByForm changes an appointment as the form says. Where somebody else was quicker, the form shows what is
// different and goes on from their version.
func (s *Server) changeByForm(c echo.Context) error {
	f, err := s.calendarFrame(c, views.Calendar, "appointment.edit-title")
	if err != nil {
		return err
	}
	v, err := s.readAppointment(c, f)
	if err != nil {
		return err
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	v.ID, v.Of = id, of
	if asked, err := s.asksForPeople(c, &v); asked || err != nil {
		return err
	}
	ctx := c.Request().Context()
	now, err := s.Calendar.Get(ctx, me, of, id)
	if err != nil {
		return err
	}
	now.Calendar = of
	a, ok := s.wanted(&v)
	if !ok {
		return s.showForm(c, http.StatusBadRequest, &v)
	}
	if !v.Series {
		v.Scope = ""
	}
	saved := views.AppointmentPath(me, of, id)
	ch := s.changeTo(now, a, v)
	if v.Version != now.Version {
		err = portal.Fail(portal.ErrConflict, "conflict")
	} else if !ch.Empty() {
		var fresh portal.Appointment
		if fresh, err = s.Calendar.Change(ctx, me, of, id, ch, v.Version); err == nil && fresh.ID != "" {
			saved = views.AppointmentPath(me, of, fresh.ID)
		}
	}
	if err == nil {
		err = s.tieAs(ctx, me, id, v.CRM)
	}
	switch {
	case err == nil:
		return c.Redirect(http.StatusSeeOther, withSaved(saved, "saved"))
	case errors.Is(err, portal.ErrConflict):
		return s.showDifferences(c, &v, err)
	}
	status, err := s.formFailure(c, &v, err)
	if err != nil {
		return err
	}
	return s.showForm(c, status, &v)
}

// showDifferences is the form after somebody else was quicker: with what was typed, what they made of it, and their
// version as the one to go on from.
func (s *Server) showDifferences(c echo.Context, v *views.AppointmentForm, cause error) error {
	newest, err := s.Calendar.Get(c.Request().Context(), s.person(c), v.Of, v.ID)
	if err != nil {
		return err
	}
	c.Set(failedKey, cause)
	v.Differences = s.differences(*v, newest)
	v.Version = newest.Version
	if len(v.Differences) == 0 {
		v.Problem = v.Failure(cause)
	}
	return s.showForm(c, http.StatusConflict, v)
}

// withSaved adds to an address what has just been done.
func withSaved(path, what string) string {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return path + separator + "saved=" + what
}

// formStep is a step on the way to a whole form: somebody found, added, removed, expanded; rooms; everybody's time. It
// answers with the form as it then is.
func (s *Server) formStep(c echo.Context) error {
	title := "appointment.new-title"
	if err := form(c); err != nil {
		return err
	}
	if c.FormValue("id") != "" {
		title = "appointment.edit-title"
	}
	f, err := s.calendarFrame(c, views.Calendar, title)
	if err != nil {
		return err
	}
	v, err := s.readAppointment(c, f)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if err := s.step(c, &v); err != nil {
		if status, err = s.formFailure(c, &v, err); err != nil {
			return err
		}
	}
	return s.showForm(c, status, &v)
}

// step does what the button that was pressed says.
func (s *Server) step(c echo.Context, v *views.AppointmentForm) error {
	ctx, me := c.Request().Context(), s.person(c)
	values := c.Request().Form
	if asked, err := s.stepCRM(c, v.CRM); asked || err != nil {
		return err
	}
	day := values.Get("plan_day")
	planning := values.Has("pick") || day != "" || c.FormValue("do") == "plan"
	if shown := values.Get("planned"); !planning && shown != "" { // the planner stays open whatever else is done
		planning, day = true, shown
	}
	switch {
	case values.Has("add"):
		a, ok := views.ParseAttendeeValue(values.Get("add"))
		if !ok {
			return portal.Fail(portal.ErrInvalid, "appointment.form")
		}
		v.Attendees, v.Query = withAttendee(v.Attendees, a), ""
		if a.Role == portal.RoleResource && strings.TrimSpace(v.Location) == "" {
			v.Location = a.Name
		}
	case values.Has("remove"):
		if i, err := strconv.Atoi(values.Get("remove")); err == nil && i >= 0 && i < len(v.Attendees) {
			v.Attendees = slices.Delete(v.Attendees, i, i+1)
		}
	case values.Has("expand"):
		if err := s.expandList(c, v, values.Get("expand")); err != nil {
			return err
		}
	case values.Has("pick"):
		if err := picked(v, values.Get("pick"), s); err != nil {
			return err
		}
	case c.FormValue("do") == "rooms":
		if err := s.findRooms(ctx, me, v); err != nil {
			return err
		}
	case c.FormValue("do") == "find":
		if err := s.findAttendees(c, v); err != nil {
			return err
		}
	}
	if planning {
		return s.plan(c, v, day)
	}
	return nil
}

// findRooms offers the rooms that are not invited yet, and says so where there is none.
func (s *Server) findRooms(ctx context.Context, me portal.Address, v *views.AppointmentForm) error {
	rooms, err := s.Calendar.Rooms(ctx, me)
	if err != nil {
		return err
	}
	for _, room := range rooms {
		room.Role = portal.RoleResource
		if !slices.ContainsFunc(v.Attendees, func(a portal.Attendee) bool { return strings.EqualFold(a.Email, room.Email) }) {
			v.Rooms = append(v.Rooms, room)
		}
	}
	switch {
	case len(rooms) == 0:
		v.RoomsWord = v.Text("appointment.rooms-none")
	case len(v.Rooms) == 0:
		v.RoomsWord = v.Text("appointment.rooms-all")
	}
	return nil
}

// withAttendee adds somebody who is not there yet.
func withAttendee(all []portal.Attendee, a portal.Attendee) []portal.Attendee {
	if slices.ContainsFunc(all, func(b portal.Attendee) bool { return strings.EqualFold(a.Email, b.Email) }) {
		return all
	}
	return append(all, a)
}

// expandList puts the members of a list in its place.
func (s *Server) expandList(c echo.Context, v *views.AppointmentForm, email string) error {
	members, err := s.Calendar.Expand(c.Request().Context(), s.person(c), email)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(v.Attendees, func(a portal.Attendee) bool { return strings.EqualFold(a.Email, email) })
	role := portal.RoleRequired
	if i >= 0 {
		role = v.Attendees[i].Role
		v.Attendees = slices.Delete(v.Attendees, i, i+1)
	}
	for _, m := range members {
		m.Role = role
		v.Attendees = withAttendee(v.Attendees, m)
	}
	return nil
}

// picked puts a time from the planner into the form.
func picked(v *views.AppointmentForm, text string, s *Server) error {
	from, to, ok := strings.Cut(text, "/")
	start, err := time.Parse(calendarTime, from)
	end, err2 := time.Parse(calendarTime, to)
	if !ok || err != nil || err2 != nil || end.Before(start) {
		return portal.Fail(portal.ErrInvalid, "appointment.start")
	}
	zone := s.zones.find(v.Zone)
	if zone == nil {
		zone, v.Zone = v.Reader.Zone, v.Reader.Zone.String()
	}
	v.AllDay = false
	if was, err := time.ParseInLocation(dateLayout, v.StartDate, zone); err == nil {
		v.Repeat = movedRepeat(v.Repeat, was, start.In(zone))
	}
	setWhen(v, start.In(zone), end.In(zone), false)
	return nil
}

// formPeople are the people found while one types, for the page's script.
func (s *Server) formPeople(c echo.Context) error {
	f := views.Frame{Reader: s.reader(c)}
	v, err := s.readAppointment(c, f)
	if err != nil {
		return err
	}
	if err := s.findAttendees(c, &v); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.FoundAttendees(v))
}

// findAttendees looks people, lists and rooms up by what was typed: in the portal's address book and in the
// server's. A whole address can be invited even if nobody knows it.
func (s *Server) findAttendees(c echo.Context, v *views.AppointmentForm) error {
	query := strings.TrimSpace(v.Query)
	if query == "" {
		return nil
	}
	v.Searched = true
	ctx, me := c.Request().Context(), s.person(c)
	found, err := s.invitable(ctx, me, query)
	if err != nil {
		return err
	}
	for _, a := range found {
		if slices.ContainsFunc(v.Attendees, func(b portal.Attendee) bool { return strings.EqualFold(a.Email, b.Email) }) {
			continue
		}
		if a.Role == "" {
			a.Role = portal.RoleRequired
		}
		item := views.FoundAttendee{Attendee: a}
		if a.URI != "" {
			item.Known, item.Presence = true, s.Presence.Of(me, a.URI)
		}
		v.Found = append(v.Found, item)
	}
	return nil
}
