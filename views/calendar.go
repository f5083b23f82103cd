package views

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// CalendarView is how much of a calendar is shown, and how.
type CalendarView string

// The views of a calendar, in the order in which they are offered.
const (
	DayView      CalendarView = "day"
	WorkWeekView CalendarView = "workweek"
	WeekView     CalendarView = "week"
	MonthView    CalendarView = "month"
	AgendaView   CalendarView = "agenda"
)

// CalendarViews lists the views.
func CalendarViews() []CalendarView {
	return []CalendarView{DayView, WorkWeekView, WeekView, MonthView, AgendaView}
}

// AgendaDays is how many days an agenda shows.
const AgendaDays = 30

// CalendarShow is what of whose calendars is shown: all that the page's address says.
type CalendarShow struct {
	View CalendarView
	// Date is a moment of the day that was asked for, in the reader's zone.
	Date time.Time
	// With are the people whose calendars stand beside one's own.
	With []portal.Address
	// Chosen: With is what the reader asked for, even if it is nobody.
	Chosen bool
	// AllHours shows whole days, not only the usual hours.
	AllHours bool
}

// CalendarOwner is one of the calendars that are shown, with what the reader may do in it.
type CalendarOwner struct {
	Person portal.Person
	// Rights is "owner", "editor", "reviewer" or "freebusy".
	Rights string
	// Problem says why it cannot be shown; empty if it can.
	Problem string
	// Loading: it is being read for the first time.
	Loading bool
}

// CalendarItem is an appointment with the number of its calendar among those that are shown.
type CalendarItem struct {
	portal.Appointment
	Of int
}

// CalendarPage is the page /calendar.
type CalendarPage struct {
	Frame
	CalendarShow
	// Calendars are the reader's own, first, and those beside it. Known are others that can be put beside it.
	Calendars []CalendarOwner
	Known     []portal.Person
	Items     []CalendarItem
	// Failed are the reader's appointments whose change the server refused, wherever they lie.
	Failed []portal.Appointment
	State  portal.ExchangeEvent
	// Quick is a line that was typed and not understood.
	Quick string
	// None: there is no Exchange server.
	None bool
}

// ParseCalendarView is the view of that name, the work week for any other.
func ParseCalendarView(name string) CalendarView {
	if v := CalendarView(name); slices.Contains(CalendarViews(), v) {
		return v
	}
	return WorkWeekView
}

// weekOf is the first day of the week in which a day lies.
func (r Reader) weekOf(day span) span {
	return day.plusDays(-((int(day.from.Weekday()) - int(r.FirstDay()) + 7) % 7))
}

// days are the days that are shown.
func (s CalendarShow) days(r Reader) []span {
	day := dayOf(s.Date.In(r.Zone))
	run := func(first span, n int) []span {
		out := make([]span, n)
		for i := range out {
			out[i] = first.plusDays(i)
		}
		return out
	}
	switch s.View {
	case DayView:
		return []span{day}
	case AgendaView:
		return run(day, AgendaDays)
	case WeekView:
		return run(r.weekOf(day), 7)
	case MonthView:
		y, m, _ := day.from.Date()
		first := r.weekOf(dayOf(midnight(y, m, 1, r.Zone)))
		last := dayOf(midnight(y, m+1, 0, r.Zone))
		weeks := 0
		for w := first; !w.from.After(last.from); w = w.plusDays(7) {
			weeks++
		}
		return run(first, 7*weeks)
	}
	return slices.DeleteFunc(run(r.weekOf(day), 7), func(d span) bool {
		return d.from.Weekday() == time.Saturday || d.from.Weekday() == time.Sunday
	})
}

// Window is the time that is shown.
func (s CalendarShow) Window(r Reader) (from, to time.Time) {
	days := s.days(r)
	return days[0].from, days[len(days)-1].to
}

// Path is the address of what is shown.
func (s CalendarShow) Path() string {
	q := url.Values{"view": {string(s.View)}, "date": {s.Date.Format(time.DateOnly)}}
	for _, a := range s.With {
		q.Add("with", a.Bare())
	}
	if s.Chosen && len(s.With) == 0 {
		q.Set("with", "")
	}
	if s.AllHours {
		q.Set("hours", "all")
	}
	return "/calendar?" + q.Encode()
}

// as is the same in another view.
func (s CalendarShow) as(v CalendarView) string {
	s.View = v
	return s.Path()
}

// on is the same for another day, in another view where one is named.
func (s CalendarShow) on(day time.Time, v CalendarView) string {
	s.Date = day
	if v != "" {
		s.View = v
	}
	return s.Path()
}

func (s CalendarShow) hours(all bool) string {
	s.AllHours = all
	return s.Path()
}

// toggled is the same with somebody's calendar beside it, or without.
func (s CalendarShow) toggled(a portal.Address) string {
	if i := slices.Index(s.With, a); i >= 0 {
		s.With = slices.Delete(slices.Clone(s.With), i, i+1)
	} else {
		s.With = append(slices.Clone(s.With), a)
	}
	s.Chosen = true
	return s.Path()
}

// step is the stretch before (-1) or after (+1).
func (s CalendarShow) step(r Reader, n int) string {
	day := dayOf(s.Date.In(r.Zone))
	switch s.View {
	case DayView:
		day = day.plusDays(n)
	case MonthView:
		y, m, _ := day.from.Date()
		day = dayOf(midnight(y, m+time.Month(n), 1, r.Zone))
	case AgendaView:
		day = day.plusDays(n * AgendaDays)
	default:
		day = day.plusDays(n * 7)
	}
	return s.on(day.from, "")
}

// newAt is the address of the form for a new appointment at a time. Instants are in UTC there, so that an hour
// that comes twice is no riddle.
func newAt(t time.Time, of string) string {
	path := "/calendar/new?at=" + t.UTC().Format(stampUTC)
	if of != "" {
		path += "&of=" + url.QueryEscape(of)
	}
	return path
}

// stampUTC is how an instant stands in an address.
const stampUTC = "20060102T150405Z"

func newOn(day time.Time, of string) string {
	path := "/calendar/new?day=" + day.Format(time.DateOnly)
	if of != "" {
		path += "&of=" + url.QueryEscape(of)
	}
	return path
}

// newPath is something new on the day that is shown: in the next full hour today, at nine on another day.
func (v CalendarPage) newPath() string {
	day, now := v.Date.In(v.Zone), v.Now.In(v.Zone)
	if v.dayKey(day) == v.dayKey(now) {
		return newAt(now.Truncate(time.Hour).Add(time.Hour), "")
	}
	return newAt(time.Date(day.Year(), day.Month(), day.Day(), 9, 0, 0, 0, v.Zone), "")
}

// AppointmentPath is where an appointment is read; of is the calendar it stands in, which is named where it is
// not the reader's own.
func AppointmentPath(me, of portal.Address, id string) string {
	return appointmentAt(me, of, id, "")
}

func appointmentAt(me, of portal.Address, id, what string) string {
	path := "/calendar/" + url.PathEscape(id)
	if what != "" {
		path += "/" + what
	}
	if of != "" && of != me {
		path += "?of=" + url.QueryEscape(of.Bare())
	}
	return path
}

func (v CalendarPage) path(it CalendarItem) string {
	return AppointmentPath(v.Me.URI, it.Calendar, it.ID)
}

// others reports whether there is more than one calendar to tell apart.
func (v CalendarPage) others() bool { return len(v.Calendars) > 1 }

func (v CalendarPage) owner(it CalendarItem) CalendarOwner {
	if it.Of < 0 || it.Of >= len(v.Calendars) {
		return CalendarOwner{}
	}
	return v.Calendars[it.Of]
}

// movable reports whether the reader may move an appointment.
func (v CalendarPage) movable(it CalendarItem) bool {
	rights := v.owner(it).Rights
	return (rights == "owner" || rights == "editor") && Changeable(it.Appointment)
}

// Changeable reports whether an appointment is one that its calendar's owner can change: their own, neither
// cancelled nor hidden from the reader.
func Changeable(a portal.Appointment) bool {
	return !a.Masked && (!a.Meeting || a.Mine) && a.Status != portal.StatusCancelled
}

// grid is the table of the days that are shown. On a single day each calendar has a column of its own.
func (v CalendarPage) grid() grid {
	days := v.days(v.Reader)
	var columns []column
	lanes := mostLanes
	if len(days) == 1 {
		lanes = mostDayLanes
		if v.others() {
			lanes = mostLanes
			for i := range v.Calendars {
				columns = append(columns, newColumn(days[0], i))
			}
		}
	}
	if columns == nil {
		for _, d := range days {
			columns = append(columns, newColumn(d, -1))
		}
	}
	return newGrid(v.Reader, columns, v.Items, v.AllHours, lanes)
}

// slotLabel names an empty half hour for those who cannot see where it is.
func (v CalendarPage) slotLabel(col column, key rowKey, at time.Time) string {
	label := v.Text("calendar.slot", "Day", v.shortDay(at), "Time", v.hour(at))
	if key.again {
		label = v.Text("calendar.again", "Time", label)
	}
	if col.owner > 0 {
		label = name(v.Calendars[col.owner].Person) + ", " + label
	}
	return label
}

func (v CalendarPage) columnOf(col column) string {
	if col.owner > 0 {
		return v.Calendars[col.owner].Person.URI.Bare()
	}
	return ""
}

// canCreate reports whether something new can be put into a column.
func (v CalendarPage) canCreate(col column) bool {
	if v.None {
		return false
	}
	if col.owner < 0 {
		return true
	}
	rights := v.Calendars[col.owner].Rights
	return rights == "owner" || rights == "editor"
}

// loading reports whether a calendar is still being read for the first time.
func (v CalendarPage) loading() bool {
	return slices.ContainsFunc(v.Calendars, func(c CalendarOwner) bool { return c.Loading })
}

// heading names the time that is shown.
func (v CalendarPage) heading() string {
	days := v.days(v.Reader)
	first, last := days[0].from, days[len(days)-1].from
	switch v.View {
	case DayView:
		return v.longDay(first)
	case MonthView:
		y, m, _ := v.Date.In(v.Zone).Date()
		return v.Text("calendar.month", "Month", v.Text(fmt.Sprint("month.", int(m))), "Year", y)
	}
	return v.dayRange(first, last)
}

// under is the line below the heading: the week and the zone.
func (v CalendarPage) under() string {
	var parts []string
	if v.View != MonthView && v.View != AgendaView {
		days := v.days(v.Reader)
		_, week := days[len(days)/2].from.ISOWeek()
		parts = append(parts, v.Text("calendar.week", "Week", week))
	}
	return strings.Join(append(parts, v.Zone.String()), " · ")
}

// initialsOf are those of a calendar's owner.
func (v CalendarPage) initialsOf(it CalendarItem) string { return initials(name(v.owner(it).Person)) }

func tint(n int) string { return fmt.Sprint(n % 6) }
