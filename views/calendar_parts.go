package views

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"portico/app/portal"
)

// What the tables of the calendar are filled with, besides the grid: weeks of a month, days of an agenda, and
// the attributes by which the page's script knows an appointment.

// monthLines is how many appointments a day of a month shows below its bars; monthBars how many rows of bars.
const (
	monthLines = 3
	monthBars  = 3
)

// week is a row of a month.
type week struct {
	columns []column
	bars    [][]bar
	timed   [][]CalendarItem
	hidden  []int
}

func (w week) number() int {
	_, n := w.columns[len(w.columns)/2].from.ISOWeek()
	return n
}

// weeks are the rows of the month that is shown.
func (v CalendarPage) weeks() []week {
	days := v.days(v.Reader)
	var out []week
	for at := 0; at < len(days); at += 7 {
		w := week{timed: make([][]CalendarItem, 7), hidden: make([]int, 7)}
		for _, d := range days[at : at+7] {
			w.columns = append(w.columns, column{span: d, owner: -1})
		}
		w.bars = layBars(v.Reader, w.columns, v.Items)
		for _, row := range w.bars[min(len(w.bars), monthBars):] {
			for _, b := range row {
				for c := b.from; c < b.from+b.width; c++ {
					w.hidden[c]++
				}
			}
		}
		w.bars = w.bars[:min(len(w.bars), monthBars)]
		for i, c := range w.columns {
			w.timed[i] = v.timedOn(c.span)
			if n := len(w.timed[i]); n > monthLines {
				w.timed[i], w.hidden[i] = w.timed[i][:monthLines], w.hidden[i]+n-monthLines
			}
		}
		out = append(out, w)
	}
	return out
}

// timedOn are the appointments within days that touch a day, by time.
func (v CalendarPage) timedOn(day span) []CalendarItem {
	var out []CalendarItem
	for _, it := range v.Items {
		if when := v.when(it.Appointment); !v.isBar(it.Appointment) && on(when, day) {
			out = append(out, it)
		}
	}
	slices.SortStableFunc(out, func(a, b CalendarItem) int { return a.Start.Compare(b.Start) })
	return out
}

// on reports whether a time lies on a day; one without length lies where it is.
func on(when, day span) bool {
	return when.overlaps(day) || when.from.Equal(when.to) && !when.from.Before(day.from) && when.from.Before(day.to)
}

// agendaDay is a day of an agenda that has something.
type agendaDay struct {
	day   span
	items []CalendarItem
}

// agenda are the days that are shown and have something; what takes days stands on each of them.
func (v CalendarPage) agenda() []agendaDay {
	var out []agendaDay
	for _, day := range v.days(v.Reader) {
		d := agendaDay{day: day}
		for _, it := range v.Items {
			if on(v.when(it.Appointment), day) {
				d.items = append(d.items, it)
			}
		}
		slices.SortStableFunc(d.items, func(a, b CalendarItem) int {
			return cmp.Or(-compareBool(v.isBar(a.Appointment), v.isBar(b.Appointment)), a.Start.Compare(b.Start), cmp.Compare(a.Of, b.Of))
		})
		if len(d.items) > 0 {
			out = append(out, d)
		}
	}
	return out
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// agendaTime is when an appointment is on a day of an agenda.
func (v CalendarPage) agendaTime(day span, it CalendarItem) string {
	when := v.when(it.Appointment)
	switch before, after := when.from.Before(day.from), when.to.After(day.to); {
	case it.AllDay || before && after:
		return v.Text("calendar.all-day")
	case before:
		return v.Text("calendar.until", "Time", v.hour(when.to))
	case after:
		return v.Text("calendar.from", "Time", v.hour(when.from))
	}
	return v.between(it.Appointment)
}

func (v CalendarPage) agendaDayName(t time.Time) string {
	if v.isToday(t) {
		return v.Text("time.today") + ", " + v.shortDay(t)
	}
	return v.shortDay(t)
}

// monthDate is a day's number, with the month's name on the first.
func (v CalendarPage) monthDate(t time.Time) string {
	if t.Day() == 1 {
		return v.dateOf(t)
	}
	return fmt.Sprint(t.Day())
}

func (v CalendarPage) isToday(t time.Time) bool { return v.dayKey(t) == v.dayKey(v.Now) }

// headSpan is over how many rows the head of a row reaches; 0 where the one before reaches over it.
func (g grid) headSpan(i int) int {
	key := g.rows[i]
	half := rowKey{key.minute - key.minute%60, key.again}
	if key.minute%60 != 0 && i > 0 && g.rows[i-1] == half {
		return 0
	}
	if key.minute%60 == 0 && i+1 < len(g.rows) && g.rows[i+1] == (rowKey{key.minute + rowMinutes, key.again}) {
		return 2
	}
	return 1
}

// offHours reports whether hardly anybody works then.
func offHours(c column, key rowKey) bool {
	weekend := c.from.Weekday() == time.Saturday || c.from.Weekday() == time.Sunday
	return weekend || key.minute < 8*60 || key.minute >= 18*60
}

// eventAttributes are the look of an appointment and what the page's script needs to move it. shown tells the parts
// of one that reaches over midnight apart.
func (v CalendarPage) eventAttributes(it CalendarItem, shown time.Time) templ.OrderedAttributes {
	a := it.Appointment
	id := "e-" + fmt.Sprint(it.Of) + "-" + url.PathEscape(a.ID)
	if !shown.IsZero() && !shown.Equal(v.when(a).from) {
		id += "-" + shown.Format(time.DateOnly)
	}
	attr := templ.OrderedAttributes{
		{Key: "class", Value: "event"}, {Key: "id", Value: id}, {Key: "data-id", Value: a.ID},
		{Key: "data-show", Value: string(showOf(a))}, {Key: "data-tint", Value: tint(it.Of)},
		{Key: "data-start", Value: a.Start.UTC().Format(stampUTC)}, {Key: "data-end", Value: a.End.UTC().Format(stampUTC)},
	}
	add := func(on bool, key, value string) {
		if on {
			attr = append(attr, templ.KeyValue[string, any]{Key: key, Value: value})
		}
	}
	add(a.Source == portal.SourceCRM, "data-source", portal.SourceCRM)
	add(a.Status == portal.StatusCancelled, "data-status", string(a.Status))
	add(a.Sync.State == portal.SyncPending || a.Sync.State == portal.SyncFailed, "data-sync", a.Sync.State)
	add(a.Meeting && !a.Mine && (a.Response == portal.ResponseNone || a.Response == ""), "data-answer", "none")
	add(a.Meeting && !a.Mine && a.Response == portal.ResponseDeclined, "data-answer", "declined")
	if v.movable(it) {
		add(true, "data-version", a.Version)
		add(a.Series != "" || a.Kind == portal.KindMaster, "data-series", "1")
		add(a.AllDay, "data-days", "1")
	}
	return attr
}

// eventTitle is what a mouse shows over an appointment.
func (v CalendarPage) eventTitle(it CalendarItem) string {
	parts := []string{v.whenText(it.Appointment), v.subject(it.Appointment)}
	if details := v.details(it.Appointment); details != "" {
		parts = append(parts, details)
	}
	return strings.Join(parts, "\n")
}

// refusal says why a change was refused.
func (r Reader) refusal(a portal.Appointment) string {
	return r.Text("calendar.refused", "Reason", r.Sentence(a.Sync.Error, nil))
}

func (v CalendarPage) shows(a portal.Address) bool { return slices.Contains(v.With, a) }

// without is the address of the page without somebody's calendar.
func (v CalendarPage) without(a portal.Address) string {
	if v.shows(a) {
		return v.toggled(a)
	}
	return v.Path()
}

// exportPath is the address of what is shown as an iCalendar file.
func (v CalendarPage) exportPath() string {
	from, to := v.Window(v.Reader)
	return "/calendar/export.ics?" + url.Values{"from": {from.Format(time.DateOnly)}, "to": {to.Format(time.DateOnly)}}.Encode()
}

func scopes() []portal.Scope {
	return []portal.Scope{portal.ScopeOne, portal.ScopeFollowing, portal.ScopeAll}
}
