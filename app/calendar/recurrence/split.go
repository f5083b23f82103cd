package recurrence

import (
	"fmt"
	"time"

	"portico/app/portal"
)

// Split: "this and following", and whether two rules mean the same.

// Split cuts a series before one of its occurrences, named by its ID: head ends before it, tail begins with it, by the rule's
// clock. Exceptions and additions go with the part they belong to. The error wraps portal.ErrNotFound where the series has no such
// occurrence, portal.ErrInvalid where it is the first, since then nothing would remain of the head.
func (s *Series) Split(id time.Time) (head, tail *Series, err error) {
	if s.Rule == nil || !s.ruleHas(id) {
		return nil, nil, portal.Fail(portal.ErrNotFound, "occurrence").Because(fmt.Errorf("nothing begins at %s", id))
	}
	before, err := s.countBefore(id)
	if err != nil {
		return nil, nil, err
	}
	if before == 0 {
		return nil, nil, invalid("a series cannot be cut before its first occurrence")
	}
	head, tail = s.Clone(), s.Clone()
	first := s.occurrence(id, s.Length(), &clockwork{loc: s.Start.Location()})
	tail.Start, tail.End = first.Start, first.End
	switch {
	case s.Rule.Count > 0:
		head.Rule.Count, tail.Rule.Count = before, s.Rule.Count-before
	case s.AllDay:
		head.Rule.UntilKind, head.Rule.Until = UntilDate, dateOf(id).AddDate(0, 0, -1)
	default:
		head.Rule.UntilKind, head.Rule.Until = UntilUTC, id.UTC().Add(-time.Second)
	}
	*tail.Rule = tail.Rule.anchored(civilOf(s.ruleStart()), civilOf(tail.ruleStart()))
	early := func(t time.Time) bool { return s.key(t) < s.key(id) }
	head.RDates, tail.RDates = part(s.RDates, early)
	head.ExDates, tail.ExDates = part(s.ExDates, early)
	head.Overrides, tail.Overrides = part(s.Overrides, func(o Override) bool { return early(o.ID) })
	return head, tail, nil
}

func (s *Series) ruleStart() time.Time {
	if s.AllDay {
		return dateOf(s.Start)
	}
	return s.Start
}

// anchored says what a rule took from its start where the new start says otherwise: the day, and the clock if the new
// start was moved by a gap.
func (r Rule) anchored(start, moved civil) Rule {
	old, now := r.clone(), r.clone()
	old.imply(start)
	now.imply(moved)
	if old.String() == now.String() {
		return r
	}
	r.ByDay, r.ByMonthDay, r.ByMonth = old.ByDay, old.ByMonthDay, old.ByMonth
	r.ByHour, r.ByMinute, r.BySecond = old.ByHour, old.ByMinute, old.BySecond
	return r
}

// countBefore counts the rule's occurrences before one, deleted and changed ones too.
func (s *Series) countBefore(id time.Time) (int, error) {
	n := 0
	for t, err := range s.Rule.between(s.Start, s.AllDay, time.Time{}, id) {
		if err != nil {
			return 0, err
		}
		if s.key(t) >= s.key(id) {
			break
		}
		n++
	}
	return n, nil
}

// InstanceIndex is the number of an occurrence from 1 as EWS counts (OccurrenceItemId/@InstanceIndex): deleted ones have theirs, RDates
// have none. The error wraps portal.ErrNotFound.
func (s *Series) InstanceIndex(id time.Time) (int, error) {
	if s.Rule == nil || !s.ruleHas(id) {
		return 0, portal.Fail(portal.ErrNotFound, "occurrence").Because(fmt.Errorf("nothing begins at %s", id))
	}
	n, err := s.countBefore(id)
	return n + 1, err
}

func part[T any](list []T, early func(T) bool) (head, tail []T) {
	for _, v := range list {
		if early(v) {
			head = append(head, v)
		} else {
			tail = append(tail, v)
		}
	}
	return head, tail
}

const (
	equalYears = 40     // compared, and
	equalMax   = 15_000 // occurrences at most
)

// SameRule tells whether two rules, each with its own start, give the same occurrences: for the next 40 years or 15,000 occurrences,
// and to the same end. How they are written does not matter ("every weekday" by day or by week). Rules that cannot be expanded
// are the same only when written the same.
func SameRule(a Rule, aStart time.Time, b Rule, bStart time.Time, allDay bool) bool {
	listA, moreA, errA := a.sample(aStart, allDay)
	listB, moreB, errB := b.sample(bStart, allDay)
	if errA != nil || errB != nil {
		return a.String() == b.String() && aStart.Equal(bStart)
	}
	if len(listA) != len(listB) || moreA != moreB {
		return false
	}
	for i := range listA {
		if !listA[i].Equal(listB[i]) {
			return false
		}
	}
	if !moreA {
		return true
	}
	ends := func(r Rule, start time.Time) string {
		form := Zoned
		if allDay {
			form = Dates
		}
		c := r.Conform(start, form)
		return fmt.Sprint(c.Count, c.UntilKind, c.Until.UTC())
	}
	return ends(a, aStart) == ends(b, bStart)
}

// sample lists a rule's first occurrences; more tells that it goes on.
func (r Rule) sample(start time.Time, allDay bool) (list []time.Time, more bool, err error) {
	end := start.AddDate(equalYears, 0, 0)
	for t, err := range r.between(start, allDay, time.Time{}, end) {
		if err != nil {
			return nil, false, err
		}
		if len(list) == equalMax || t.After(end) {
			return list, true, nil
		}
		list = append(list, t)
	}
	finite := r.Count > 0 && r.Count <= len(list) || r.UntilKind != NoUntil && r.Until.Before(end)
	return list, !finite, nil
}
