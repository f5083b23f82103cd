package recurrence

import (
	"iter"
	"time"
)

// Starts: a rule followed from its start, as instants or dates.

// Starts yields the beginnings of a rule's occurrences that are not before from, in order; a zero from means all. The wall
// clock is that of start's location. All-day series count dates: only the date that start shows matters, and midnights in
// UTC are yielded. The error (ErrTooDense, ErrTooSparse, or portal.ErrInvalid for a rule that cannot be followed) comes last.
//
// A start that the rule itself does not meet is no occurrence.
func (r Rule) Starts(start time.Time, allDay bool, from time.Time) iter.Seq2[time.Time, error] {
	return r.between(start, allDay, from, time.Time{})
}

// between is Starts that need not look beyond to; what it yields there has to be ignored.
func (r Rule) between(start time.Time, allDay bool, from, to time.Time) iter.Seq2[time.Time, error] {
	return func(yield func(time.Time, error) bool) {
		if err := r.followable(allDay); err != nil {
			yield(time.Time{}, err)
			return
		}
		loc := start.Location()
		if allDay {
			start, loc, r = dateOf(start), time.UTC, r.ofDates()
		}
		fromCivil := civilOf(start)
		if !from.IsZero() {
			fromCivil = civilOf(from.In(loc)) - daySeconds
		}
		w := newWalker(r, civilOf(start), fromCivil)
		w.least -= gapBefore(start)
		if r.UntilKind == UntilUTC {
			w.until = min(w.until, civilOf(r.Until.In(loc))+daySeconds)
		}
		if !to.IsZero() {
			w.until = min(w.until, civilOf(to.In(loc))+daySeconds)
		}
		follow(w, &clockwork{loc: loc}, r, from, yield)
	}
}

// gapBefore is how far a wall clock was moved forward if t is what became of one in a gap, else 0. A series that was
// cut on such a day starts at t and goes on by the clock of its rule.
func gapBefore(t time.Time) civil {
	change, _ := t.ZoneBounds()
	if change.IsZero() {
		return 0
	}
	gap := offsetAt(t) - offsetAt(change.Add(-time.Second))
	if gap > 0 && t.Unix()-change.Unix() < gap {
		return civil(gap)
	}
	return 0
}

func follow(w *walker, clock *clockwork, r Rule, from time.Time, yield func(time.Time, error) bool) {
	var last time.Time
	for {
		c, ok := w.next()
		if !ok {
			if w.err != nil {
				yield(time.Time{}, w.err)
			}
			return
		}
		t := clock.at(c)
		if r.UntilKind == UntilUTC && t.After(r.Until) {
			return
		}
		if t.Before(from) || !last.IsZero() && !t.After(last) {
			continue // in a gap two wall clocks are one instant
		}
		last = t
		if !yield(t, nil) {
			return
		}
	}
}

// dateOf is the date that t shows, as midnight in UTC.
func dateOf(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// ofDates is the rule of an all-day series: without clocks (RFC 5545 has them ignored), until a date.
func (r Rule) ofDates() Rule {
	r.ByHour, r.ByMinute, r.BySecond = nil, nil, nil
	if r.UntilKind != NoUntil {
		r.UntilKind, r.Until = UntilDate, dateOf(r.Until)
	}
	return r
}

func (r Rule) followable(allDay bool) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if allDay && r.Freq < Daily {
		return invalid("an all-day series cannot repeat by FREQ=%s", r.Freq)
	}
	return nil
}

// Form is the kind of a series' start, which the form of UNTIL has to fit.
type Form uint8

const (
	Zoned    Form = iota // a wall time in a zone, or an instant in UTC
	Floating             // a wall time in no zone
	Dates                // all-day
)

// ValidateFor is Validate with the start's form known: the form of UNTIL (RFC 5545 section 3.3.10), and no
// clocks in all-day rules. Expansion is more patient than this.
func (r Rule) ValidateFor(f Form) error {
	if err := r.followable(f == Dates); err != nil {
		return err
	}
	if want := [...]UntilKind{UntilUTC, UntilLocal, UntilDate}[f]; r.UntilKind != NoUntil && r.UntilKind != want {
		return invalid("UNTIL has another form than the start")
	}
	if f == Dates && len(r.ByHour)+len(r.ByMinute)+len(r.BySecond) > 0 {
		return invalid("an all-day series has no clock")
	}
	return nil
}

// Conform rewrites UNTIL in the form that the start demands, without a change to what the rule means: for
// a start in a zone (start's location) UTC, for all-day ones a date.
func (r Rule) Conform(start time.Time, f Form) Rule {
	if f == Dates {
		return r.ofDates()
	}
	loc := start.Location()
	clock := &clockwork{loc: loc}
	switch {
	case r.UntilKind == UntilDate:
		end := civil(dayOf3(r.Until)*daySeconds + daySeconds - 1)
		r.UntilKind, r.Until = UntilUTC, clock.at(end).UTC()
	case r.UntilKind == UntilLocal:
		r.UntilKind, r.Until = UntilUTC, clock.at(civilOf(r.Until)).UTC()
	}
	if f == Floating && r.UntilKind == UntilUTC {
		r.UntilKind, r.Until = UntilLocal, time.Unix(int64(civilOf(r.Until.In(loc))), 0).UTC()
	}
	return r
}
