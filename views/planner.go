package views

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// Planner is everybody's time on one day, by the reader's clock, with the best times for a meeting.
type Planner struct {
	Reader
	// Day is a moment of the day that is shown.
	Day  time.Time
	Rows []PlannerRow
	// Start and End are the time that is chosen now.
	Start, End  time.Time
	Suggestions []portal.Suggestion
	// Names are the attendees by e-mail address.
	Names map[string]string
}

// PlannerRow is one attendee's time.
type PlannerRow struct {
	portal.Attendee
	Busy    []portal.BusyTime
	Working *portal.WorkingHours
	// Problem says why nothing is known of it.
	Problem string
}

// The hours a planner shows where nothing is chosen outside of them.
const plannerFrom, plannerTo = 7, 20

// plannerSlot is a half hour of the planner.
type plannerSlot struct {
	at      time.Time
	minutes int
	// chosen: the meeting would take it.
	chosen bool
	// cannot and perhaps are how many cannot, or perhaps cannot.
	cannot, perhaps int
}

// plannerCell is a stretch of somebody's time that is the same all along.
type plannerCell struct {
	show     portal.FreeBusy
	outside  bool
	chosen   bool
	conflict bool
	from, to time.Time
	span     int
	problem  bool
}

// slots are the half hours that are shown; those of the chosen time among them, whenever it is.
func (p Planner) slots() []plannerSlot {
	day := dayOf(p.Day.In(p.Zone))
	var out []plannerSlot
	chosen := span{p.Start, p.End}
	for t := day.from; t.Before(day.to); t = t.Add(rowMinutes * time.Minute) {
		slot := span{t, t.Add(rowMinutes * time.Minute)}
		taken := chosen.overlaps(slot)
		minute := t.Hour()*60 + t.Minute()
		if (minute < plannerFrom*60 || minute >= plannerTo*60) && !taken {
			continue
		}
		s := plannerSlot{at: t, minutes: rowMinutes, chosen: taken}
		for _, row := range p.Rows {
			switch row.shows(slot) {
			case portal.ShowBusy, portal.ShowOOF:
				s.cannot++
			case portal.ShowTentative:
				s.perhaps++
			}
		}
		out = append(out, s)
	}
	return out
}

// shows is how somebody's time shows over a slot: the strongest of what lies in it.
func (row PlannerRow) shows(slot span) portal.FreeBusy {
	best, rank := portal.ShowFree, 0
	order := []portal.FreeBusy{portal.ShowFree, portal.ShowNoData, portal.ShowElsewhere, portal.ShowTentative, portal.ShowBusy, portal.ShowOOF}
	for _, b := range row.Busy {
		if !slot.overlaps(span{b.Start, b.End}) {
			continue
		}
		if at := slices.Index(order, b.Show); at > rank {
			best, rank = b.Show, at
		}
	}
	return best
}

// works reports whether somebody works at t; where nobody says, they do.
func (row PlannerRow) works(t time.Time) bool {
	if row.Working == nil || len(row.Working.Periods) == 0 {
		return true
	}
	zone, err := time.LoadLocation(row.Working.TimeZone)
	if err != nil {
		return true
	}
	there := t.In(zone)
	minute := there.Hour()*60 + there.Minute()
	return slices.ContainsFunc(row.Working.Periods, func(w portal.WorkingPeriod) bool {
		return slices.Contains(w.Days, there.Weekday()) && minute >= w.From && minute < w.To
	})
}

// cells are somebody's day in stretches.
func (p Planner) cells(row PlannerRow, slots []plannerSlot) []plannerCell {
	if row.Problem != "" {
		if len(slots) == 0 {
			return nil
		}
		return []plannerCell{{show: portal.ShowNoData, problem: true, span: len(slots), from: slots[0].at, to: slots[len(slots)-1].at.Add(rowMinutes * time.Minute)}}
	}
	var out []plannerCell
	for i, s := range slots {
		end := s.at.Add(rowMinutes * time.Minute)
		c := plannerCell{show: row.shows(span{s.at, end}), outside: !row.works(s.at), chosen: s.chosen, from: s.at, to: end, span: 1}
		c.conflict = c.chosen && (c.show == portal.ShowBusy || c.show == portal.ShowOOF || c.show == portal.ShowTentative)
		if i > 0 {
			last := &out[len(out)-1]
			if last.show == c.show && last.outside == c.outside && last.chosen == c.chosen && last.to.Equal(c.from) {
				last.span, last.to = last.span+1, c.to
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

// word says what a stretch of time is.
func (p Planner) word(c plannerCell) string {
	word := p.Text("show." + string(c.show))
	if c.outside && c.show == portal.ShowFree {
		word = p.Text("planner.outside")
	}
	text := p.Text("planner.cell", "Show", word, "From", p.hour(c.from), "To", p.hour(c.to))
	if c.conflict {
		text = p.Text("planner.conflict", "What", text)
	}
	return text
}

// short is the word that stands in a cell where it has room; it tells looks apart that are not told by colour.
func (p Planner) short(c plannerCell) string {
	if c.span < 2 || c.show == portal.ShowFree {
		return ""
	}
	return p.Text("show." + string(c.show))
}

func (p Planner) slotWord(s plannerSlot) string {
	text := p.hour(s.at)
	if s.cannot > 0 {
		text += ", " + p.Count("planner.cannot", s.cannot)
	}
	if s.perhaps > 0 {
		text += ", " + p.Count("planner.perhaps", s.perhaps)
	}
	if s.cannot == 0 && s.perhaps == 0 {
		text += ", " + p.Text("planner.all-can")
	}
	return text
}

// hours are the heads of the columns: an hour over its half hours.
type hourHead struct {
	text string
	span int
}

func (p Planner) hourHeads(slots []plannerSlot) []hourHead {
	var out []hourHead
	for _, s := range slots {
		text := p.hour(s.at.Truncate(time.Minute).Add(-time.Duration(s.at.Minute()) * time.Minute))
		if n := len(out); n > 0 && out[n-1].text == text && out[n-1].span < 2 {
			out[n-1].span++
			continue
		}
		out = append(out, hourHead{text, 1})
	}
	return out
}

// pick is the value of a button that chooses a start.
func pick(start, end time.Time) string {
	return start.UTC().Format(stampUTC) + "/" + end.UTC().Format(stampUTC)
}

func (p Planner) pickAt(s plannerSlot) string { return pick(s.at, s.at.Add(p.End.Sub(p.Start))) }

// suggestionText says what speaks against a suggested time.
func (p Planner) suggestionText(s portal.Suggestion) string {
	var parts []string
	for _, x := range []struct {
		key string
		who []string
	}{{"planner.busy-are", s.Conflicts}, {"planner.perhaps-are", s.Tentative}, {"planner.outside-are", s.OutsideHours}} {
		if len(x.who) > 0 {
			parts = append(parts, p.Text(x.key, "Names", p.list(p.named(x.who))))
		}
	}
	if len(parts) == 0 {
		return p.Text("planner.all-can")
	}
	return strings.Join(parts, "; ")
}

func (p Planner) named(emails []string) []string {
	out := make([]string, len(emails))
	for i, e := range emails {
		out[i] = e
		if n := p.Names[strings.ToLower(e)]; n != "" {
			out[i] = n
		}
	}
	return out
}

func (p Planner) suggestionWhen(s portal.Suggestion) string {
	return p.whenText(portal.Appointment{Start: s.Start, End: s.End})
}

// dayStep is the value of the button to another day.
func (p Planner) dayStep(n int) string {
	return dayOf(p.Day.In(p.Zone)).plusDays(n).from.Format(time.DateOnly)
}

func rowNumber(i int) string { return fmt.Sprint("plan-", i) }
