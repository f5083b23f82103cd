package ewslab

// Appointments out of iCalendar, as clients send them in MimeContent.

import (
	"strings"
	"time"
)

// readICal takes the first VEVENT of a calendar into an item: what it says replaces what the item had.
func (c *call) readICal(it *item, text string) error {
	cal, err := parseICal(text)
	if err != nil {
		return fail("ErrorMimeContentInvalid", "Mime content is invalid: "+err.Error())
	}
	var event *icalPart
	for _, p := range cal.Parts {
		if p.Name == "VEVENT" {
			if _, exception := p.get("RECURRENCE-ID"); event == nil || !exception {
				event = p
			}
			if _, exception := p.get("RECURRENCE-ID"); !exception {
				break
			}
		}
	}
	if event == nil {
		return fail("ErrorMimeContentInvalid", "Mime content is invalid: there is no event in it.")
	}
	r := icalReader{c: c, cal: cal, event: event, it: it, zone: c.zone, zoneID: c.zoneID}
	return r.read()
}

// icalReader reads one event.
type icalReader struct {
	c      *call
	cal    *icalPart
	event  *icalPart
	it     *item
	zone   *time.Location // of DTSTART
	zoneID string
}

func (r *icalReader) read() error {
	it, e := r.it, r.event
	if err := r.times(); err != nil {
		return err
	}
	for name, field := range map[string]string{"SUMMARY": "Subject", "LOCATION": "Location", "UID": "UID"} {
		if v := e.text(name); v != "" && it.get(field) == nil || v != "" && field != "UID" {
			it.put(field, v)
		}
	}
	if _, ok := e.get("DESCRIPTION"); ok {
		it.put("Body", at("BodyType", "Text"), e.text("DESCRIPTION"))
	}
	r.marks()
	r.alarm()
	r.people()
	if rule, ok := e.get("RRULE"); ok {
		rec, err := r.recurrence(rule.Value)
		if err != nil {
			return err
		}
		it.set(rec)
		return r.gaps()
	}
	it.remove("Recurrence")
	return nil
}

// times reads start and end, and the zone they are in.
func (r *icalReader) times() error {
	start, day, err := r.when("DTSTART")
	if err != nil {
		return err
	}
	if start.IsZero() {
		return fail("ErrorMimeContentInvalid", "Mime content is invalid: DTSTART is missing.")
	}
	end, _, err := r.when("DTEND")
	if err != nil {
		return err
	}
	if d, ok := xsDuration(r.event.text("DURATION")); ok && end.IsZero() {
		end = start.Add(d)
	}
	if end.IsZero() {
		if end = start; day {
			end = start.AddDate(0, 0, 1)
		}
	}
	it := r.it
	it.put("Start", start)
	it.put("End", end)
	// Clients that know the server write whole days as midnights and say so.
	it.put("IsAllDayEvent", day || strings.EqualFold(r.event.text("X-MICROSOFT-CDO-ALLDAYEVENT"), "TRUE"))
	if r.zoneID != "" {
		it.put("StartTimeZone", at("Id", r.zoneID), at("Name", zoneName(r.zoneID)))
		it.put("EndTimeZone", at("Id", r.zoneID), at("Name", zoneName(r.zoneID)))
	}
	return nil
}

// when reads a time; the zone of the first one that has any becomes the event's.
func (r *icalReader) when(name string) (at time.Time, day bool, err error) {
	p, ok := r.event.get(name)
	if !ok {
		return time.Time{}, false, nil
	}
	if name == "DTSTART" {
		r.findZone(p)
	}
	return r.parse(p)
}

// findZone sets the event's zone by TZID: a Windows id, a name of the zone database, else the owner's.
func (r *icalReader) findZone(p icalProp) {
	name := p.Params["TZID"]
	if name == "" {
		if p.Params["VALUE"] == "DATE" && r.zoneID == "" && r.c.me != nil {
			r.zone, r.zoneID = r.c.me.Zone, r.c.me.ZoneID
		}
		return
	}
	if loc, ok := zoneNamed(name); ok {
		r.zone, r.zoneID = loc, name
		if z, ok := zoneTable().byID[strings.ToLower(name)]; ok {
			r.zoneID = z.ID
		} else if id := windowsID(loc.String()); id != "" {
			r.zoneID = id
		}
		return
	}
	if r.c.me != nil {
		r.zone, r.zoneID = r.c.me.Zone, r.c.me.ZoneID
	}
}

func (r *icalReader) parse(p icalProp) (time.Time, bool, error) {
	v := strings.TrimSpace(p.Value)
	for _, form := range []string{icalUTC, "20060102T150405", "20060102"} {
		zone := r.zone
		if form == icalUTC {
			zone = time.UTC
		}
		if at, err := time.ParseInLocation(form, v, zone); err == nil {
			return at.UTC(), form == "20060102", nil
		}
	}
	return time.Time{}, false, fail("ErrorMimeContentInvalid", "Mime content is invalid: the time "+v+" cannot be read.")
}

// marks are the small properties.
func (r *icalReader) marks() {
	it, e := r.it, r.event
	switch e.text("CLASS") {
	case "PRIVATE":
		it.put("Sensitivity", "Private")
	case "CONFIDENTIAL":
		it.put("Sensitivity", "Confidential")
	case "PUBLIC":
		it.put("Sensitivity", "Normal")
	}
	if v := e.text("PRIORITY"); v != "" {
		it.put("Importance", or(map[string]string{"1": "High", "2": "High", "3": "High", "7": "Low", "8": "Low", "9": "Low"}[v], "Normal"))
	}
	busy := map[string]string{"FREE": "Free", "TENTATIVE": "Tentative", "BUSY": "Busy", "OOF": "OOF", "WORKINGELSEWHERE": "WorkingElsewhere"}[e.text("X-MICROSOFT-CDO-BUSYSTATUS")]
	switch {
	case e.text("TRANSP") == "TRANSPARENT":
		it.put("LegacyFreeBusyStatus", "Free")
	case busy != "" && busy != "Free":
		it.put("LegacyFreeBusyStatus", busy)
	case e.text("STATUS") == "TENTATIVE":
		it.put("LegacyFreeBusyStatus", "Tentative")
	case e.text("TRANSP") == "OPAQUE" || busy == "":
		it.put("LegacyFreeBusyStatus", "Busy")
	default:
		it.put("LegacyFreeBusyStatus", busy)
	}
	list := t("Categories")
	for _, p := range e.Props {
		if p.Name == "CATEGORIES" {
			for _, c := range strings.Split(p.Value, ",") {
				list.add(t("String", unescapeICal(strings.TrimSpace(c))))
			}
		}
	}
	if len(list.Kids) > 0 {
		it.set(list)
	}
}

// alarm reads the first alarm that goes off before the start.
func (r *icalReader) alarm() {
	for _, a := range r.event.Parts {
		d, ok := xsDuration(a.text("TRIGGER"))
		if a.Name != "VALARM" || !ok || d > 0 {
			continue
		}
		r.it.put("ReminderIsSet", true)
		r.it.put("ReminderMinutesBeforeStart", int(-d/time.Minute))
		return
	}
	r.it.put("ReminderIsSet", false)
}

// people reads the invited; the organiser is whose calendar it is.
func (r *icalReader) people() {
	organizer, _ := r.event.get("ORGANIZER")
	lists := map[string]*node{"RequiredAttendees": t("RequiredAttendees"), "OptionalAttendees": t("OptionalAttendees"), "Resources": t("Resources")}
	for _, p := range r.event.Props {
		if p.Name != "ATTENDEE" || strings.EqualFold(p.Value, organizer.Value) {
			continue
		}
		address := p.Value
		if len(address) > 7 && strings.EqualFold(address[:7], "mailto:") {
			address = address[7:]
		}
		if owner := r.c.me; owner != nil && strings.EqualFold(address, owner.Email) && organizer.Value == "" {
			continue
		}
		box := t("Mailbox", t("Name", p.Params["CN"]), t("EmailAddress", address))
		field := "RequiredAttendees"
		switch {
		case p.Params["CUTYPE"] == "RESOURCE" || p.Params["CUTYPE"] == "ROOM" || p.Params["ROLE"] == "NON-PARTICIPANT":
			field = "Resources"
		case p.Params["ROLE"] == "OPT-PARTICIPANT":
			field = "OptionalAttendees"
		}
		lists[field].add(t("Attendee", box))
	}
	for field, list := range lists {
		r.c.cleanAttendees(list)
		if len(list.Kids) == 0 {
			r.it.remove(field)
			continue
		}
		keepAnswers(r.it, list)
		r.it.set(list)
	}
}

// gaps keeps the dates that are taken out until the item has a row.
func (r *icalReader) gaps() error {
	r.it.gaps = nil
	for _, p := range r.event.Props {
		if p.Name != "EXDATE" {
			continue
		}
		for _, v := range strings.Split(p.Value, ",") {
			at, _, err := r.parse(icalProp{Value: v})
			if err != nil {
				return err
			}
			r.it.gaps = append(r.it.gaps, at)
		}
	}
	return nil
}
