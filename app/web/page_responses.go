package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/calendar"
	"portico/app/portal"
	"portico/views"
)

// defaultResponsesDays is how far ahead the overview looks.
const defaultResponsesDays = 14

// responsesFilter reads what of the meetings the query asks for; what it does not know is the default.
func responsesFilter(c echo.Context) views.ResponsesFilter {
	f := views.ResponsesFilter{
		Who: c.QueryParam("who"), Only: c.QueryParam("only"), Text: clip(c.QueryParam("q"), 100), Meeting: clip(c.QueryParam("meeting"), maxQuery),
		From: c.QueryParam("from"), Days: defaultResponsesDays,
	}
	if !slices.Contains([]string{"own", "team", "delegates"}, f.Who) {
		f.Who = "all"
	}
	if !slices.Contains([]string{"waiting", "declined", "news"}, f.Only) {
		f.Only = ""
	}
	if n, err := strconv.Atoi(c.QueryParam("days")); err == nil && slices.Contains(views.ResponsesDays(), n) {
		f.Days = n
	}
	return f
}

// calendarFilter is the filter with its times.
func calendarFilter(f views.ResponsesFilter, r views.Reader) (calendar.Filter, error) {
	from := r.Now
	if f.From != "" {
		day, err := time.ParseInLocation(dateLayout, f.From, r.Zone)
		if err != nil {
			return calendar.Filter{}, portal.Fail(portal.ErrInvalid, "appointment.start").Because(err)
		}
		from = day
	}
	return calendar.Filter{Who: f.Who, From: from, To: from.AddDate(0, 0, f.Days), Only: f.Only, Text: f.Text}, nil
}

// overview reads the meetings that a request asks for.
func (s *Server) overview(c echo.Context, r views.Reader) (views.ResponsesFilter, calendar.Overview, error) {
	f := responsesFilter(c)
	filter, err := calendarFilter(f, r)
	if err != nil {
		return f, calendar.Overview{}, err
	}
	o, err := s.Calendar.Overview(c.Request().Context(), s.person(c), filter)
	return f, o, err
}

// responsesPage shows the coming meetings with their answers, and below them the answers to one.
func (s *Server) responsesPage(c echo.Context) error {
	f, err := s.calendarFrame(c, views.Responses, "nav.responses")
	if err != nil {
		return err
	}
	v := views.ResponsesPage{Frame: f, Filter: responsesFilter(c), Saved: savedWord(c.QueryParam("saved"))}
	if s.Calendar == nil {
		v.Problem = f.Failure(portal.Fail(portal.ErrUnavailable, "calendar.none"))
		return s.render(c, http.StatusOK, views.ResponsesView(v))
	}
	_, o, err := s.overview(c, f.Reader)
	if err != nil && portal.Reason(err) == "calendar.none" {
		v.Problem = f.Failure(err)
		return s.render(c, http.StatusOK, views.ResponsesView(v))
	}
	if err != nil {
		return err
	}
	s.fillResponses(&v, o)
	if v.Filter.Meeting != "" {
		open, err := s.meetingAnswers(c.Request().Context(), s.person(c), v.Filter.Path(), v.Filter.Meeting)
		if err != nil {
			return err
		}
		v.Open = open
	}
	return s.render(c, http.StatusOK, views.ResponsesView(v))
}

func (s *Server) fillResponses(v *views.ResponsesPage, o calendar.Overview) {
	v.Totals, v.News, v.LookedAt, v.Loading, v.Truncated = views.Tally(o.Totals), o.News, o.LookedAt, o.Loading, o.Truncated
	for _, m := range o.Meetings {
		v.Meetings = append(v.Meetings, views.MeetingRow{Appointment: m.Appointment, Relation: m.Relation, Tally: views.Tally(m.Tally), News: len(m.News)})
	}
	for _, m := range o.Missing {
		name := m.Name
		if name == "" {
			name = m.Who.Bare()
		}
		v.Missing = append(v.Missing, views.MissingPerson{Name: name, Reason: v.Sentence(m.Reason, nil)})
	}
}

// responsesCSV answers with the overview as a table for spreadsheets.
func (s *Server) responsesCSV(c echo.Context) error {
	r := s.reader(c)
	_, o, err := s.overview(c, r)
	if err != nil {
		return err
	}
	words := calendar.CSVWords{
		Subject: r.Text("responses.meeting"), Organizer: r.Text("responses.csv.organizer"), Location: r.Text("responses.csv.place"),
		Start: r.Text("responses.csv.start"), End: r.Text("responses.csv.end"), Person: r.Text("responses.person"), Email: r.Text("responses.csv.email"),
		Answer: r.Text("responses.answer"), AnsweredAt: r.Text("responses.csv.answered"), Comment: r.Text("responses.comment"),
		Accepted: r.Text("response.accepted"), Tentative: r.Text("response.tentative"), Declined: r.Text("response.declined"), Waiting: r.Text("responses.waiting"),
		Answers: map[portal.Response]string{},
	}
	for _, a := range []portal.Response{portal.ResponseNone, portal.ResponseAccepted, portal.ResponseTentative, portal.ResponseDeclined, portal.ResponseOrganizer} {
		words.Answers[a] = r.Text("response." + string(a))
	}
	data, err := o.CSV(words, r.Zone)
	if err != nil {
		return err
	}
	download(c, "responses.csv", "text/csv; charset=utf-8")
	return c.Blob(http.StatusOK, "text/csv; charset=utf-8", data)
}

// responsesCalendar answers with the overview's meetings as iCalendar.
func (s *Server) responsesCalendar(c echo.Context) error {
	_, o, err := s.overview(c, s.reader(c))
	if err != nil {
		return err
	}
	data, err := s.Calendar.OverviewCalendar(o)
	if err != nil {
		return err
	}
	download(c, "responses.ics", calendarType)
	return c.Blob(http.StatusOK, calendarType, data)
}

// responsesLooked notes that the person has seen the new answers.
func (s *Server) responsesLooked(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	if err := s.Calendar.Looked(c.Request().Context(), s.person(c)); err != nil && !errors.Is(err, portal.ErrNotFound) {
		return err
	}
	return s.done(c, "/responses")
}
