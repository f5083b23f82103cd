package ewslab

// What makes an appointment whole: times, zone, recurrence, identifier, organiser.

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"
)

// finishAppointment checks and completes an appointment before it is written; owner is whose calendar it lies in, zoneID the zone of the
// request ("" = none).
func (s *Server) finishAppointment(it *item, owner *mailbox, zoneID string) error {
	if err := s.finishTimes(it, owner, zoneID); err != nil {
		return err
	}
	if it.get("Recurrence") != nil {
		if it.Master != 0 {
			return fail("ErrorInvalidPropertySet")
		}
		if err := finishSeries(it); err != nil {
			return err
		}
	}
	if it.text("UID") == "" {
		uid, err := newUID()
		if err != nil {
			return err
		}
		it.put("UID", uid)
	}
	if it.get("Organizer") == nil && owner != nil {
		it.put("Organizer", s.people.find(owner.Email).mailboxNode("Mailbox"))
	}
	if it.get("IsMeeting") == nil && it.isMeeting() {
		it.put("IsMeeting", true)
	}
	return nil
}

func (s *Server) finishTimes(it *item, owner *mailbox, zoneID string) error {
	if it.get("StartTimeZone") == nil {
		id := zoneID
		if old := it.get("MeetingTimeZone").attr("TimeZoneName"); old != "" {
			id = old
		}
		if id == "" {
			id = "UTC"
			if it.flag("IsAllDayEvent") && owner != nil {
				id = owner.ZoneID
			}
		}
		if _, ok := zoneNamed(id); !ok {
			id = "UTC"
		}
		it.put("StartTimeZone", at("Id", id), at("Name", zoneName(id)))
	}
	if it.get("EndTimeZone") == nil {
		end := it.get("StartTimeZone").copy()
		end.Name = "EndTimeZone"
		it.set(end)
	}
	if it.get("Start") == nil {
		it.put("Start", s.now().Truncate(30*time.Minute).Add(30*time.Minute))
	}
	if it.get("End") == nil {
		it.put("End", it.time("Start").Add(30*time.Minute))
	}
	if it.time("End").Before(it.time("Start")) {
		return fail("ErrorCalendarEndDateIsEarlierThanStartDate")
	}
	if it.flag("IsAllDayEvent") {
		wholeDays(it)
	}
	if it.time("End").Sub(it.time("Start")) > 5*366*24*time.Hour {
		return fail("ErrorCalendarDurationIsTooLong", "The duration is too long.")
	}
	return nil
}

// wholeDays stretches an all-day event to the midnights of its zone.
func wholeDays(it *item) {
	zone := itemZone(it)
	start, end := it.time("Start").In(zone), it.time("End").In(zone)
	first := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, zone)
	last := time.Date(end.Year(), end.Month(), end.Day(), 0, 0, 0, 0, zone)
	if end.After(last) || !last.After(first) {
		last = last.AddDate(0, 0, 1)
	}
	it.put("Start", first)
	it.put("End", last)
}

// finishSeries checks a recurrence and moves the series to its first occurrence.
func finishSeries(it *item) error {
	s, err := seriesOf(it)
	if err != nil {
		return err
	}
	first := s.edge(nil, false)
	if first.IsZero() {
		return fail("ErrorRecurrenceHasNoOccurrence")
	}
	if days := int((s.duration + 24*time.Hour - 1) / (24 * time.Hour)); days > s.span() {
		return fail("ErrorOccurrenceTimeSpanTooBig", "The duration of an occurrence is longer than the recurrence's period.")
	}
	it.put("Start", first)
	it.put("End", s.endOf(first))
	for _, k := range it.get("Recurrence").Kids { // the range begins with the first occurrence
		if d := k.kid("StartDate"); d != nil {
			d.Text = zonedDate(first.In(s.zone))
		}
		if d := k.kid("EndDate"); d != nil {
			d.Text = zonedDate(time.Date(s.end.Year(), s.end.Month(), s.end.Day(), 0, 0, 0, 0, s.zone))
		}
	}
	return nil
}

// zonedDate writes an xs:date with the offset of its zone, as Exchange does; one client reads no shorter form.
func zonedDate(at time.Time) string { return at.Format("2006-01-02-07:00") }

// newUID makes an identifier as Exchange makes them (MS-OXOCAL 2.2.1.27).
func newUID() (string, error) {
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	return "040000008200E00074C5B7101A82E008" + strings.Repeat("0", 40) + "10000000" + strings.ToUpper(hex.EncodeToString(raw)), nil
}

// checkBoundary refuses an occurrence that would pass its neighbours or share a day with one.
func (x *tx) checkBoundary(o *item) error {
	master, err := x.item(o.Master)
	if err != nil {
		return err
	}
	s, err := seriesOf(master)
	if err != nil {
		return err
	}
	gaps, err := x.gaps(master.ID)
	if err != nil {
		return err
	}
	moved := map[time.Time]time.Time{}
	changed, err := x.exceptions(s)
	if err != nil {
		return err
	}
	for _, e := range changed {
		moved[e.Original] = e.time("Start")
	}
	gone := map[time.Time]bool{}
	for _, g := range gaps {
		gone[g] = true
	}
	var before, after time.Time
	s.dates(func(_ int, d time.Time) bool {
		original := s.startOn(d)
		if gone[original] || original.Equal(o.Original) {
			return true
		}
		at := original
		if m, ok := moved[original]; ok {
			at = m
		}
		if original.Before(o.Original) {
			before = at
			return true
		}
		after = at
		return false
	})
	day := func(at time.Time) string { return at.In(s.zone).Format("2006-01-02") }
	start := o.time("Start")
	if !before.IsZero() && day(start) <= day(before) || !after.IsZero() && day(start) >= day(after) {
		return fail("ErrorOccurrenceCrossingBoundary", "Modified occurrence is crossing or overlapping adjacent occurrence.")
	}
	return nil
}
