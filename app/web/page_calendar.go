package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"portico/app/calendar"
	"portico/app/portal"
	"portico/views"
)

// calendarPages registers the pages of the calendar.
func (s *Server) calendarPages(g *echo.Group) {
	g.GET("/calendar", s.calendarPage)
	c := g.Group("", s.withCalendar)
	c.POST("/calendar", s.createByForm)
	c.POST("/calendar/quick", s.quickAdd)
	c.GET("/calendar/new", s.newForm)
	c.GET("/calendar/planner", s.plannerPage)
	c.GET("/calendar/people", s.peopleOptions)
	c.POST("/calendar/form", s.formStep)
	c.POST("/calendar/form/people", s.formPeople)
	c.POST("/calendar/form/conflicts", s.formConflicts)
	c.POST("/calendar/shared", s.addShared)
	c.POST("/calendar/shared/remove", s.removeShared)
	c.POST("/calendar/reminders", s.remindersByForm)

	c.GET("/calendar/export.ics", s.exportCalendar)
	c.GET("/calendar/import", s.importPage)
	c.POST("/calendar/import", s.importFile)
	c.GET("/calendar/link", s.linkPage)
	c.POST("/calendar/link", s.makeLink)
	c.POST("/calendar/link/revoke", s.revokeLink)
	c.GET("/calendar/changes", s.changesPage)

	c.GET("/calendar/:id", s.appointmentPage)
	c.POST("/calendar/:id", s.changeByForm)
	c.GET("/calendar/:id/edit", s.editForm)
	c.POST("/calendar/:id/move", s.moveAppointment)
	c.POST("/calendar/:id/delete", s.deleteByForm)
	c.POST("/calendar/:id/response", s.respondByForm)
	c.POST("/calendar/:id/forward", s.forwardByForm)
	c.POST("/calendar/:id/take", s.takeProposal)
	c.POST("/calendar/:id/nudge", s.nudge)
	c.POST("/calendar/:id/instead", s.inviteInstead)
	c.POST("/calendar/:id/retry", s.retryChange)
	c.POST("/calendar/:id/discard", s.discardChange)
	c.GET("/calendar/:id/export.ics", s.exportAppointment)
	c.POST("/calendar/:id/attachments", s.attachFile)
	c.GET("/calendar/:id/attachments/:file", s.downloadFile)
	c.POST("/calendar/:id/attachments/:file/remove", s.removeFile)

	g.GET("/responses", s.responsesPage)
	c.GET("/responses.csv", s.responsesCSV)
	c.GET("/responses.ics", s.responsesCalendar)
	c.POST("/responses/looked", s.responsesLooked)
}

// calendarPage shows a stretch of time of the person's calendar, and of others beside it.
func (s *Server) calendarPage(c echo.Context) error {
	return s.showCalendar(c, http.StatusOK, "", nil)
}

// showCalendar renders the calendar that the request's query asks for; quick is a line that was not understood, and
// problem why.
func (s *Server) showCalendar(c echo.Context, status int, quick string, problem error) error {
	f, err := s.calendarFrame(c, views.Calendar, "nav.calendar")
	if err != nil {
		return err
	}
	page := views.CalendarPage{Frame: f, Quick: quick}
	if problem != nil {
		page.Problem = f.Failure(problem)
	}
	if err := s.fillCalendar(c, &page); err != nil {
		return err
	}
	s.rememberView(c, page.View)
	return s.render(c, status, views.CalendarSheet(page))
}

// fillCalendar reads what the page shows.
func (s *Server) fillCalendar(c echo.Context, page *views.CalendarPage) error {
	ctx, me := c.Request().Context(), s.person(c)
	var known []portal.CalendarRef
	if s.Calendar != nil {
		var err error
		if known, err = s.Calendar.Shared(ctx, me); err != nil && portal.Reason(err) != "calendar.none" {
			return err
		}
	}
	show, err := s.calendarShow(c, page.Reader, known)
	if err != nil {
		return err
	}
	page.CalendarShow = show
	whose := append([]portal.Address{me}, show.With...)
	for _, ref := range known {
		page.Known = append(page.Known, s.Directory.Lookup(ctx, ref.Owner))
	}
	for _, a := range show.With {
		if !slices.ContainsFunc(known, func(ref portal.CalendarRef) bool { return ref.Owner == a }) {
			page.Known = append(page.Known, s.Directory.Lookup(ctx, a))
		}
	}
	from, to := show.Window(page.Reader)
	seen, errs := s.seeCalendars(ctx, me, whose, from, to, page.Zone)
	for i, of := range whose {
		owner := views.CalendarOwner{Person: s.Directory.Lookup(ctx, of), Rights: seen[i].Rights, Loading: seen[i].Loading}
		if err := errs[i]; err != nil {
			if portal.Reason(err) == "calendar.none" {
				page.None = true
			} else if owner.Problem, err = calendarProblem(page.Reader, err); err != nil {
				return err
			}
		}
		page.Calendars = append(page.Calendars, owner)
		for _, a := range seen[i].Appointments {
			page.Items = append(page.Items, views.CalendarItem{Appointment: a, Of: i})
			if i == 0 && a.Sync.State == portal.SyncFailed && !slices.ContainsFunc(page.Failed, func(b portal.Appointment) bool { return seriesOf(a) == seriesOf(b) }) {
				page.Failed = append(page.Failed, a)
			}
		}
	}
	page.State = seen[0].State
	return nil
}

// seriesOf names an entry: a failed series is said once.
func seriesOf(a portal.Appointment) string {
	if a.Series != "" {
		return a.Series
	}
	return a.ID
}

// calendarProblem says why a calendar cannot be shown, where others can.
func calendarProblem(r views.Reader, err error) (string, error) {
	switch portal.Meaning(err) {
	case portal.ErrForbidden, portal.ErrNotFound, portal.ErrUnavailable, portal.ErrTooMany, portal.ErrUnauthenticated:
		return r.Failure(err), nil
	}
	return "", err
}

// seeCalendars reads several calendars at once; one that has to be read for the first time does not hold up the
// others longer than itself.
func (s *Server) seeCalendars(ctx context.Context, me portal.Address, whose []portal.Address, from, to time.Time, zone *time.Location) ([]calendar.View, []error) {
	seen, errs := make([]calendar.View, len(whose)), make([]error, len(whose))
	var all sync.WaitGroup
	for i, of := range whose {
		if s.Calendar == nil {
			errs[i] = portal.Fail(portal.ErrUnavailable, "calendar.none")
			continue
		}
		all.Go(func() { seen[i], errs[i] = s.Calendar.Between(ctx, me, of, from, to, zone) })
	}
	all.Wait()
	return seen, errs
}

// calendarShow reads what of whose calendars the query asks for. Where it names nobody, the calendars that the person
// has switched on stand beside their own.
func (s *Server) calendarShow(c echo.Context, r views.Reader, known []portal.CalendarRef) (views.CalendarShow, error) {
	q := c.QueryParams()
	show := views.CalendarShow{View: views.ParseCalendarView(q.Get("view")), Date: r.Now, AllHours: q.Get("hours") == "all"}
	if text := q.Get("date"); text != "" {
		day, err := time.ParseInLocation(time.DateOnly, text, r.Zone)
		if err != nil || day.Year() < 1900 || day.Year() > 2200 {
			return show, portal.Fail(portal.ErrInvalid, "appointment.start")
		}
		show.Date = day.Add(12 * time.Hour) // noon is on that day whatever the clocks do
	}
	if !q.Has("with") {
		for _, ref := range known {
			if ref.Shown && len(show.With) < maxWith {
				show.With = append(show.With, ref.Owner)
			}
		}
		show.Chosen = len(show.With) > 0
		return show, nil
	}
	show.Chosen = true
	for _, text := range q["with"] {
		if text == "" {
			continue
		}
		a, err := portal.ParseAddress(text)
		if err != nil {
			return show, err
		}
		if a != s.person(c) && !slices.Contains(show.With, a) && len(show.With) < maxWith {
			show.With = append(show.With, a)
		}
	}
	return show, nil
}

// quickAdd makes an appointment of one line. What is not understood stays in the line, with the reason.
func (s *Server) quickAdd(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	text := clip(c.FormValue("text"), maxQuery)
	r := s.reader(c)
	me := s.person(c)
	made, err := s.addLine(c.Request().Context(), r, me, uuid.NewString(), text)
	here := relativeTarget(c.FormValue("here"))
	if err == nil {
		return c.Redirect(http.StatusSeeOther, onDay(here, made.Start.In(zoneOf(r.Zone, made.AllDay))))
	}
	var said *portal.Error
	if !errors.As(err, &said) {
		return err
	}
	c.Set(failedKey, err)
	f := classify(err)
	setRetryAfter(c, f)
	if u, perr := url.Parse(here); perr == nil {
		c.QueryParams() // read once, so that what is set next is what handlers see
		for name, values := range u.Query() {
			c.QueryParams()[name] = values
		}
	}
	return s.showCalendar(c, f.status, text, err)
}

func zoneOf(zone *time.Location, allDay bool) *time.Location {
	if allDay {
		return time.UTC
	}
	return zone
}

// defaultReminder is that of a new appointment: a quarter of an hour before, none for whole days.
func defaultReminder(allDay bool) *int {
	if allDay {
		return nil
	}
	minutes := 15
	return &minutes
}

// addShared puts somebody's calendar beside one's own.
func (s *Server) addShared(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	ctx, me := c.Request().Context(), s.person(c)
	owner, err := s.onePerson(ctx, me, c.FormValue("uri"))
	if err != nil {
		return err
	}
	if err := s.Calendar.AddShared(ctx, me, owner, true); err != nil {
		return err
	}
	u, err := url.Parse(relativeTarget(c.FormValue("here")))
	if err != nil || u.Path != "/calendar" {
		u = &url.URL{Path: "/calendar"}
	}
	q := u.Query()
	if q.Has("with") && !slices.Contains(q["with"], owner.Bare()) {
		q.Add("with", owner.Bare())
	}
	u.RawQuery = q.Encode()
	return c.Redirect(http.StatusSeeOther, u.RequestURI())
}

// onePerson is whom a typed name or address means.
func (s *Server) onePerson(ctx context.Context, me portal.Address, text string) (portal.Address, error) {
	text = strings.TrimSpace(clip(text, maxQuery))
	if a, err := portal.ParseAddress(text); err == nil {
		return a, nil
	}
	found, err := s.Directory.Search(ctx, text, 2)
	if err != nil {
		return "", err
	}
	if len(found) != 1 || found[0].URI == me {
		return "", portal.Fail(portal.ErrInvalid, "appointment.attendee").With("text", text)
	}
	return found[0].URI, nil
}

// removeShared takes somebody's calendar off the list.
func (s *Server) removeShared(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	owner, err := portal.ParseAddress(c.FormValue("uri"))
	if err != nil {
		return err
	}
	if err := s.Calendar.RemoveShared(c.Request().Context(), s.person(c), owner); err != nil {
		return err
	}
	return s.done(c, "/calendar")
}

// peopleOptions are people for a field that takes an address, for the page's script.
func (s *Server) peopleOptions(c echo.Context) error {
	query := ""
	for _, name := range []string{"q", "uri", "to", "in"} {
		if query == "" {
			query = c.QueryParam(name)
		}
	}
	if i := strings.LastIndexAny(query, ",;"); i >= 0 {
		query = query[i+1:]
	}
	query = strings.TrimSpace(clip(query, maxQuery))
	if query == "" {
		return s.render(c, http.StatusOK, views.PeopleOptions(nil))
	}
	found, err := s.Directory.Search(c.Request().Context(), query, foundPeople)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.PeopleOptions(found))
}
