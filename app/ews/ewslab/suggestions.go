package ewslab

// Suggested meeting times: every half hour of the days that were asked for, judged by who is free.

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// suggestStep is the time between two candidates.
const suggestStep = 30 * time.Minute

// suggestQuestion is t:SuggestionsViewOptions as read.
type suggestQuestion struct {
	from, to         time.Time
	length           time.Duration
	perDay, offHours int
	good             int // percent of conflicts up to which a time is good
	worst            string
}

// qualities from best to worst.
func qualities() []string { return []string{"Excellent", "Good", "Fair", "Poor"} }

func readSuggestQuestion(zone zoneRule, o *node) (*suggestQuestion, error) {
	q := &suggestQuestion{worst: "Fair"}
	var err error
	if q.from, q.to, err = readWindow(zone, o.kid("DetailedSuggestionsWindow")); err != nil {
		return nil, err
	}
	if q.to.Sub(q.from) > maxAvailabilitySpan {
		return nil, faultf("ErrorTimeIntervalTooBig", "The time window is longer than %d days.", int(maxAvailabilitySpan.Hours()/24))
	}
	number := func(name string, usual, least, most int) (int, error) {
		text := strings.TrimSpace(o.text(name))
		if text == "" {
			return usual, nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			return 0, faultf("ErrorInvalidRequest", "%s must lie between %d and %d.", name, least, most)
		}
		return n, nil
	}
	minutes, err1 := number("MeetingDurationInMinutes", 30, 30, 1440)
	perDay, err2 := number("MaximumResultsByDay", 10, 0, 48)
	offHours, err3 := number("MaximumNonWorkHourResultsByDay", 0, 0, 48)
	good, err4 := number("GoodThreshold", 25, 1, 49)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return nil, err
		}
	}
	q.length, q.perDay, q.offHours, q.good = time.Duration(minutes)*time.Minute, perDay, offHours, good
	if text := o.text("MinimumSuggestionQuality"); text != "" {
		if !slices.Contains(qualities(), text) {
			return nil, invalid("the quality %q is not known.", text)
		}
		q.worst = text
	}
	return q, nil
}

// candidate is one possible meeting time.
type candidate struct {
	at      time.Time
	working bool
	quality int // place in qualities
	busy    []busyKind
}

// suggestions answers the days of the window, each with its best times.
func (s *Server) suggestions(q *busyQuestion) *node {
	list := m("SuggestionDayResultArray")
	day := q.zone.midnight(q.suggest.from)
	for day.Before(q.suggest.to) {
		next := q.zone.midnight(day.Add(36 * time.Hour))
		list.add(s.suggestDay(q, day, next))
		day = next
	}
	return list
}

// midnight is the beginning of the day that an instant lies in.
func (r zoneRule) midnight(at time.Time) time.Time {
	day := r.local(at)[:len("2006-01-02")]
	from, ok := r.instant(day + "T00:00:00")
	if !ok {
		return at
	}
	return from
}

func (s *Server) suggestDay(q *busyQuestion, day, next time.Time) *node {
	var all []candidate
	for at := day; at.Before(next); at = at.Add(suggestStep) {
		if at.Before(q.suggest.from) || at.Add(q.suggest.length).After(q.suggest.to) {
			continue
		}
		all = append(all, q.judge(at))
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return a.quality - b.quality })
	best, worst := len(qualities())-1, slices.Index(qualities(), q.suggest.worst)
	inHours, outside := 0, 0
	var kept []candidate
	for _, k := range all {
		if k.working {
			best = min(best, k.quality)
		}
		switch {
		case k.quality > worst:
		case k.working && inHours < q.suggest.perDay:
			inHours++
			kept = append(kept, k)
		case !k.working && outside < q.suggest.offHours && len(kept) < q.suggest.perDay:
			outside++
			kept = append(kept, k)
		}
	}
	slices.SortFunc(kept, func(a, b candidate) int { return a.at.Compare(b.at) })
	result := t("SuggestionDayResult", t("Date", q.zone.local(day)), t("DayQuality", qualities()[best]))
	times := t("SuggestionArray")
	for _, k := range kept {
		times.add(k.node(q))
	}
	return result.add(times)
}

// judge says how good a time is: whoever is not free, or not at work, is a conflict; tentative entries weigh half.
func (q *busyQuestion) judge(at time.Time) candidate {
	k := candidate{at: at, working: true}
	to := at.Add(q.suggest.length)
	people, against := 0, 0.0
	for _, p := range q.people {
		kind := busyFree
		for _, b := range p.times {
			if b.from.Before(to) && b.to.After(at) && b.kind.digit() > kind.digit() {
				kind = b.kind
			}
		}
		if p.err != nil {
			kind = busyNoData
		}
		k.busy = append(k.busy, kind)
		if p.who != nil && !p.room && !p.who.working(at, to) {
			k.working = false
		}
		if p.optional {
			continue
		}
		people++
		switch kind {
		case busyBusy, busyOOF:
			against++
		case busyTentative, busyNoData:
			against += 0.5
		}
	}
	percent := 0.0
	if people > 0 {
		percent = 100 * against / float64(people)
	}
	switch {
	case percent == 0:
		k.quality = 0
	case percent <= float64(q.suggest.good):
		k.quality = 1
	case percent < 50:
		k.quality = 2
	default:
		k.quality = 3
	}
	return k
}

// node writes a candidate with each attendee's conflict.
func (k candidate) node(q *busyQuestion) *node {
	conflicts := t("AttendeeConflictDataArray")
	for i, p := range q.people {
		switch {
		case p.members != nil:
			free := 0
			if k.busy[i] == busyFree {
				free = len(p.members)
			}
			conflicts.add(t("GroupAttendeeConflictData", t("NumberOfMembers", len(p.members)), t("NumberOfMembersAvailable", free),
				t("NumberOfMembersWithConflict", len(p.members)-free), t("NumberOfMembersWithNoData", 0)))
		case p.who == nil:
			conflicts.add(t("UnknownAttendeeConflictData"))
		default:
			conflicts.add(t("IndividualAttendeeConflictData", t("BusyType", k.busy[i].String())))
		}
	}
	return t("Suggestion", t("MeetingTime", q.zone.local(k.at)), t("IsWorkTime", k.working), t("SuggestionQuality", qualities()[k.quality]), conflicts)
}
