package views

import (
	"cmp"
	"slices"
	"time"

	"portico/app/portal"
)

// The grid of a day or a week: half hours as rows, days (or, on a single day, calendars) as columns. An
// appointment hangs in the cell in which it begins and is as high as it lasts; what overlaps stands side by side.
//
// Rows follow the wall clock. Where the clocks go back, the hour that comes twice has its rows twice; where they
// go forward, the cells of the hour that there is not are missing. So an appointment is as high as it really lasts
// on the very day too.

const (
	// rowMinutes is how much of a day a row holds, unitMinutes how finely an appointment is placed in it.
	rowMinutes  = 30
	unitMinutes = 5
	rowUnits    = rowMinutes / unitMinutes
	// shortest is how high an appointment is at least, in units, so that its name can be read.
	shortest = rowUnits
	// The hours that are shown where nothing lies outside of them.
	firstHour, lastHour = 7, 20
	// mostLanes is how many overlapping appointments stand side by side; the rest is counted. A single day has
	// room for more.
	mostLanes, mostDayLanes = 5, 12
)

// span is a stretch of time on the reader's clock.
type span struct{ from, to time.Time }

func (s span) overlaps(o span) bool { return s.from.Before(o.to) && o.from.Before(s.to) }

// midnight is when day y-m-d begins in zone; where there is no midnight that day, its first instant.
func midnight(y int, m time.Month, d int, zone *time.Location) time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	noon := time.Date(y, m, d, 12, 0, 0, 0, zone)
	for t.Day() != noon.Day() { // the clock stood before midnight, or jumped over it
		t = t.Add(rowMinutes * time.Minute)
	}
	return t
}

// dayOf is the day of t in its own zone.
func dayOf(t time.Time) span {
	y, m, d := t.Date()
	return span{midnight(y, m, d, t.Location()), midnight(y, m, d+1, t.Location())}
}

// plusDays is the day n days later.
func (s span) plusDays(n int) span {
	y, m, d := s.from.Date()
	return span{midnight(y, m, d+n, s.from.Location()), midnight(y, m, d+n+1, s.from.Location())}
}

// when is the time that an appointment takes on the reader's calendar: that of an all-day one is its dates, at
// whatever hours they begin and end there.
func (r Reader) when(a portal.Appointment) span {
	if !a.AllDay {
		return span{a.Start.In(r.Zone), a.End.In(r.Zone)}
	}
	from, to := a.Start.UTC(), a.End.UTC()
	s := span{midnight(from.Year(), from.Month(), from.Day(), r.Zone), midnight(to.Year(), to.Month(), to.Day(), r.Zone)}
	if !s.to.After(s.from) {
		s.to = dayOf(s.from).to
	}
	return s
}

// isBar reports whether an appointment is shown as a bar over days and not within a day.
func (r Reader) isBar(a portal.Appointment) bool {
	return a.AllDay || a.End.Sub(a.Start) >= 24*time.Hour
}

// rowKey names a row: the minute of the day at which it begins, and whether it is the second time of it.
type rowKey struct {
	minute int
	again  bool
}

// keyOf is the row in which t lies, by the clock of its zone.
func keyOf(t time.Time) rowKey {
	minute := t.Hour()*60 + t.Minute()
	return rowKey{minute - minute%rowMinutes, comesAgain(t)}
}

// comesAgain reports whether the clock showed the same time already before t.
func comesAgain(t time.Time) bool {
	_, now := t.Zone()
	_, before := t.Add(-3 * time.Hour).Zone()
	back := time.Duration(before-now) * time.Second
	if back <= 0 {
		return false
	}
	earlier := t.Add(-back)
	return earlier.Hour() == t.Hour() && earlier.Minute() == t.Minute() && earlier.Day() == t.Day()
}

// slots are the rows that a day really has, with when each begins.
func slots(day span) map[rowKey]time.Time {
	out := make(map[rowKey]time.Time, 50)
	for t := day.from; t.Before(day.to); t = t.Add(rowMinutes * time.Minute) {
		if key := keyOf(t); out[key].IsZero() {
			out[key] = t
		}
	}
	return out
}

// column is a day of the grid, or one person's day.
type column struct {
	span
	// owner is the number of the calendar that the column is for; -1: all of them.
	owner int
	slots map[rowKey]time.Time
}

// grid is the table of a day or a week.
type grid struct {
	columns []column
	rows    []rowKey
	index   map[rowKey]int
	// cells by row and column.
	cells [][]cell
	bars  [][]bar
}

// cell is a half hour of a day.
type cell struct {
	// start is when it begins; zero where the clocks jump over it, or it comes twice on another day only.
	start time.Time
	items []placed
	// now is where the present is in it, in units from its top; -1: elsewhere.
	now int
	// hidden is how many appointments that begin here have no room.
	hidden int
}

// placed is an appointment in its place.
type placed struct {
	CalendarItem
	// offset and height are in units.
	offset, height int
	// lane of lanes, over width of them.
	lane, lanes, width int
	// part is the stretch of it that the column shows; before and after say that there is more of it.
	part          span
	before, after bool
	// start unit from the top of the grid; for layout.
	top int
}

// bar is an appointment over days: from column from on, over width of them.
type bar struct {
	CalendarItem
	from, width   int
	before, after bool
}

// newGrid lays items out over columns. allHours shows whole days.
func newGrid(r Reader, columns []column, items []CalendarItem, allHours bool, lanes int) grid {
	g := grid{columns: columns}
	var timed []CalendarItem
	for _, it := range items {
		if !r.isBar(it.Appointment) {
			timed = append(timed, it)
		}
	}
	g.setRows(r, timed, allHours)
	g.cells = make([][]cell, len(g.rows))
	for i, key := range g.rows {
		g.cells[i] = make([]cell, len(columns))
		for c, col := range columns {
			g.cells[i][c] = cell{start: col.slots[key], now: -1}
		}
	}
	for c := range columns {
		g.place(r, c, timed, lanes)
		g.markNow(r.Now, c)
	}
	g.bars = layBars(r, columns, items)
	return g
}

func newColumn(day span, owner int) column {
	return column{span: day, owner: owner, slots: slots(day)}
}

// setRows decides which half hours are shown: the usual ones and whatever else is needed.
func (g *grid) setRows(r Reader, items []CalendarItem, allHours bool) {
	from, to := firstHour*60, lastHour*60
	if allHours {
		from, to = 0, 24*60
	}
	for _, it := range items {
		for _, col := range g.columns {
			when := r.when(it.Appointment)
			if !col.shows(it) || !on(when, col.span) {
				continue
			}
			if when.from.Before(col.from) {
				from = 0
			} else if when.from.Before(col.to) {
				from, to = min(from, keyOf(when.from).minute/60*60), max(to, keyOf(when.from).minute+rowMinutes)
			}
			switch {
			case !when.to.Before(col.to):
				to = 24 * 60
			case when.to.After(col.from):
				to = max(to, keyOf(when.to.Add(-time.Nanosecond)).minute+rowMinutes)
			}
		}
	}
	to = (to + 59) / 60 * 60
	keys := map[rowKey]bool{}
	twice := 0
	for _, col := range g.columns {
		for key := range col.slots {
			if key.minute < from || key.minute >= to {
				continue
			}
			keys[key] = true
			if key.again {
				twice = max(twice, key.minute+rowMinutes)
			}
		}
	}
	for key := range keys {
		g.rows = append(g.rows, key)
	}
	// What comes again stands behind the whole hour that it repeats.
	rank := func(k rowKey) int {
		switch {
		case k.again:
			return 1
		case k.minute < twice:
			return 0
		}
		return 2
	}
	slices.SortFunc(g.rows, func(a, b rowKey) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.minute, b.minute))
	})
	g.index = make(map[rowKey]int, len(g.rows))
	for i, key := range g.rows {
		g.index[key] = i
	}
}

func (c column) shows(it CalendarItem) bool { return c.owner < 0 || c.owner == it.Of }

// at is how far from the top of the grid t is in a column, in units.
func (g *grid) at(c int, t time.Time) int {
	col := g.columns[c]
	switch {
	case !t.After(col.from):
		return 0
	case !t.Before(col.to):
		return len(g.rows) * rowUnits
	}
	key := keyOf(t)
	row, ok := g.index[key]
	if !ok {
		if len(g.rows) > 0 && key.minute < g.rows[0].minute {
			return 0
		}
		return len(g.rows) * rowUnits
	}
	return row*rowUnits + (t.Minute()%rowMinutes)/unitMinutes
}

// place puts the appointments of a column into their cells.
func (g *grid) place(r Reader, c int, items []CalendarItem, lanes int) {
	col := g.columns[c]
	var all []placed
	for _, it := range items {
		when := r.when(it.Appointment)
		if !col.shows(it) || !on(when, col.span) {
			continue
		}
		p := placed{CalendarItem: it, part: when, before: when.from.Before(col.from), after: when.to.After(col.to)}
		if p.before {
			p.part.from = col.from
		}
		if p.after {
			p.part.to = col.to
		}
		p.top = g.at(c, p.part.from)
		p.height = max(g.at(c, p.part.to)-p.top, shortest)
		p.height = min(p.height, len(g.rows)*rowUnits-p.top)
		all = append(all, p)
	}
	for _, p := range sideBySide(all, lanes) {
		row := min(p.top/rowUnits, len(g.rows)-1)
		p.offset = p.top - row*rowUnits
		at := &g.cells[row][c]
		if p.lane >= lanes {
			at.hidden++
			continue
		}
		at.items = append(at.items, p)
	}
}

// sideBySide gives overlapping appointments a lane each, the earlier and longer ones to the left. One takes the free
// lanes to its right too. Those in lanes from most on have no room.
func sideBySide(all []placed, most int) []placed {
	slices.SortStableFunc(all, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.top, b.top), cmp.Compare(b.height, a.height), cmp.Compare(a.Of, b.Of), cmp.Compare(a.Subject, b.Subject))
	})
	for begin := 0; begin < len(all); {
		end, bottom := begin+1, all[begin].top+all[begin].height
		for end < len(all) && all[end].top < bottom {
			bottom = max(bottom, all[end].top+all[end].height)
			end++
		}
		cluster(all[begin:end], most)
		begin = end
	}
	return all
}

// cluster lays out appointments that overlap one another, directly or by others between them.
func cluster(all []placed, most int) {
	var ends []int // by lane
	for i := range all {
		p := &all[i]
		p.lane = slices.IndexFunc(ends, func(end int) bool { return end <= p.top })
		if p.lane < 0 {
			p.lane = len(ends)
			ends = append(ends, 0)
		}
		ends[p.lane] = p.top + p.height
	}
	lanes := min(len(ends), most)
	for i := range all {
		p := &all[i]
		p.lanes, p.width = lanes, 1
		for lane := p.lane + 1; lane < lanes; lane++ {
			if slices.ContainsFunc(all, func(o placed) bool { return o.lane == lane && o.top < p.top+p.height && p.top < o.top+o.height }) {
				break
			}
			p.width++
		}
	}
}

// markNow puts the line of the present into its cell.
func (g *grid) markNow(now time.Time, c int) {
	now = now.In(g.columns[c].from.Location())
	if now.Before(g.columns[c].from) || !now.Before(g.columns[c].to) {
		return
	}
	if row, ok := g.index[keyOf(now)]; ok {
		g.cells[row][c].now = (now.Minute() % rowMinutes) / unitMinutes
	}
}

// layBars lays appointments of a day and more over the columns, in as few rows as they need.
func layBars(r Reader, columns []column, items []CalendarItem) [][]bar {
	var all []bar
	for _, it := range items {
		if !r.isBar(it.Appointment) {
			continue
		}
		when := r.when(it.Appointment)
		b := bar{CalendarItem: it, from: -1}
		for c, col := range columns {
			if !col.shows(it) || !when.overlaps(col.span) {
				continue
			}
			if b.from < 0 {
				b.from, b.before = c, when.from.Before(col.from)
			}
			b.width, b.after = c-b.from+1, when.to.After(col.to)
		}
		if b.from >= 0 {
			all = append(all, b)
		}
	}
	slices.SortStableFunc(all, func(a, b bar) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.width, a.width), cmp.Compare(a.Of, b.Of))
	})
	var rows [][]bar
	for _, b := range all {
		row := slices.IndexFunc(rows, func(row []bar) bool { last := row[len(row)-1]; return last.from+last.width <= b.from })
		if row < 0 {
			rows = append(rows, nil)
			row = len(rows) - 1
		}
		rows[row] = append(rows[row], b)
	}
	return rows
}

// gap is a stretch of a row of bars: a bar, or columns without one.
type gap struct {
	*bar
	column int
}

// gaps are the cells of a row of bars, in order.
func gaps(row []bar, columns int) []gap {
	var out []gap
	at := 0
	for i := range row {
		for ; at < row[i].from; at++ {
			out = append(out, gap{column: at})
		}
		out = append(out, gap{bar: &row[i], column: at})
		at += row[i].width
	}
	for ; at < columns; at++ {
		out = append(out, gap{column: at})
	}
	return out
}
