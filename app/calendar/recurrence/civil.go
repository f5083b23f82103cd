package recurrence

import "time"

// Civil time: wall clocks as plain numbers, and the one step from a wall clock to an instant.

// civil is a wall clock reading in seconds since 1970-01-01T00:00:00 by that clock.
type civil int64

const daySeconds = 86400

// civilOf reads the clock that t shows.
func civilOf(t time.Time) civil {
	_, off := t.Zone()
	return civil(t.Unix() + int64(off))
}

func (c civil) day() int {
	d := int64(c) / daySeconds
	if int64(c)%daySeconds < 0 {
		d--
	}
	return int(d)
}

func (c civil) clock() int { return int(int64(c) - int64(c.day())*daySeconds) }

func (c civil) date() (year, month, day int) { return ymd(c.day()) }

// ymd and dayOf convert days since 1970-01-01 from and to the Gregorian calendar (months from 1), by
// counting years from March, so that the leap day is the last.
func ymd(days int) (year, month, day int) {
	z := days + 719468
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = doy - (153*mp+2)/5 + 1
	month = mp + 3
	if month > 12 {
		month -= 12
	}
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

func dayOf(year, month, day int) int {
	if month <= 2 {
		year--
	}
	era := floorDiv(year, 400)
	yoe := year - era*400
	doy := (153*((month+9)%12)+2)/5 + day - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// weekday of days since 1970-01-01, a Thursday.
func weekday(days int) int { return ((days+4)%7 + 7) % 7 }

func monthLen(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

func yearLen(year int) int { return 337 + monthLen(year, 2) }

// clockwork turns wall clocks of one location into instants; it remembers the last stretch of constant
// offset, so that a run of occurrences costs no look-ups.
type clockwork struct {
	loc      *time.Location
	offset   int64
	from, to int64 // instants between which offset holds and no wall clock is doubtful
}

// at gives the instant of a wall clock: of two the first, of none that after the gap.
func (w *clockwork) at(c civil) time.Time {
	u := int64(c) - w.offset
	if u < w.from || u >= w.to {
		u = w.look(c)
	}
	return time.Unix(u, 0).In(w.loc)
}

func (w *clockwork) look(c civil) int64 {
	_, off := time.Unix(int64(c), 0).In(w.loc).Zone()
	t := time.Unix(int64(c)-int64(off), 0).In(w.loc)
	start, end := t.ZoneBounds()
	here := offsetAt(t)
	offsets := []int64{here}
	w.offset, w.from, w.to = here, -1<<61, 1<<61
	gapped := here // the offset before the gap, if c is in one
	if !start.IsZero() {
		before := offsetAt(start.Add(-time.Second))
		offsets = append(offsets, before)
		if u := int64(c) - start.Unix(); u >= before && u < here {
			gapped = before
		}
		w.from = start.Unix() + 2*daySeconds
	}
	if !end.IsZero() {
		offsets = append(offsets, offsetAt(end))
		w.to = end.Unix() - 2*daySeconds
	}
	best, found := int64(0), false
	for _, o := range offsets {
		u := int64(c) - o
		if offsetAt(time.Unix(u, 0).In(w.loc)) == o && (!found || u < best) {
			best, found = u, true
		}
	}
	if !found {
		return int64(c) - gapped
	}
	return best
}

func offsetAt(t time.Time) int64 {
	_, off := t.Zone()
	return int64(off)
}
