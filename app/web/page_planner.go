package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/calendar"
	"portico/app/portal"
	"portico/views"
)

// planDays is how many days suggestions are looked for in.
const planDays = 7

// maxPlanned is how many people the planner takes at once.
const maxPlanned = 100

// plannerPage is the form of a new meeting with everybody's time open.
func (s *Server) plannerPage(c echo.Context) error {
	f, err := s.calendarFrame(c, views.Calendar, "planner.title")
	if err != nil {
		return err
	}
	v, err := s.startForm(c, f)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if err := s.plan(c, &v, ""); err != nil {
		if status, err = s.formFailure(c, &v, err); err != nil {
			return err
		}
	}
	return s.showForm(c, status, &v)
}

// plan puts everybody's time into the form: on the day that is asked for, else on that of the form.
func (s *Server) plan(c echo.Context, v *views.AppointmentForm, day string) error {
	probe := *v
	probe.Faults = map[string]string{}
	a, _ := s.wanted(&probe)
	if probe.Fault("start", "end", "zone") {
		v.Faults["start"] = v.Sentence("appointment.start", nil)
		return nil
	}
	r := v.Reader
	start, end := a.Start.In(r.Zone), a.End.In(r.Zone)
	if a.AllDay {
		y, m, d := a.Start.Date()
		start = time.Date(y, m, d, 9, 0, 0, 0, r.Zone)
		end = start.Add(time.Hour)
	}
	shown := start
	if day != "" {
		t, err := time.ParseInLocation(dateLayout, day, r.Zone)
		if err != nil {
			return portal.Fail(portal.ErrInvalid, "appointment.start").Because(err)
		}
		shown = t.Add(12 * time.Hour)
	}
	p := &views.Planner{Reader: r, Day: shown, Start: start, End: end, Names: map[string]string{}}
	if err := s.fillPlan(c, p, v); err != nil {
		var said *portal.Error
		if !errors.As(err, &said) {
			return err
		}
		v.Faults["attendees"] = v.Text("planner.away", "Reason", v.Failure(err))
		p.Rows = nil
		for _, a := range v.Attendees {
			p.Rows = append(p.Rows, views.PlannerRow{Attendee: a, Problem: v.Text("show.no-data")})
		}
	}
	v.Planner = p
	return nil
}

// fillPlan asks for everybody's time from the day that is shown on.
func (s *Server) fillPlan(c echo.Context, p *views.Planner, v *views.AppointmentForm) error {
	y, m, d := p.Day.Date()
	from := time.Date(y, m, d, 0, 0, 0, 0, p.Zone)
	minutes := int(p.End.Sub(p.Start).Minutes())
	plan, err := s.Calendar.Plan(c.Request().Context(), s.person(c), calendar.PlanRequest{
		Attendees: v.Attendees, From: from, To: from.AddDate(0, 0, planDays), Minutes: max(min(minutes, 24*60), 5), Location: p.Zone, Except: v.ID,
	})
	if err != nil {
		return err
	}
	p.Suggestions = plan.Suggestions
	for i, a := range plan.Attendees {
		if a.Name == "" && a.URI != "" {
			a.Name = s.Directory.Lookup(c.Request().Context(), a.URI).DisplayName
		}
		p.Names[strings.ToLower(a.Email)] = a.Name
		row := views.PlannerRow{Attendee: a}
		if i < len(plan.Rows) {
			row.Busy, row.Working = plan.Rows[i].Busy, plan.Rows[i].Working
			if plan.Rows[i].Error != "" {
				row.Problem = p.Sentence(plan.Rows[i].Error, nil)
			}
		}
		p.Rows = append(p.Rows, row)
	}
	return nil
}
