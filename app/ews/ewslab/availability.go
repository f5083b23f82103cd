package ewslab

// Free/busy: what stands in calendars, as far as the asker may know it.

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxAvailability     = 100                 // mailboxes in one request
	maxAvailabilitySpan = 62 * 24 * time.Hour // of the time window
	workBegin, workEnd  = 8 * 60, 17 * 60     // minutes after midnight of a working day
)

// busyKind is a free/busy status by its weight in the merged view: the highest wins.
type busyKind int

const (
	busyFree busyKind = iota
	busyTentative
	busyBusy
	busyOOF
	busyElsewhere
	busyNoData
)

func (b busyKind) String() string {
	return [...]string{"Free", "Tentative", "Busy", "OOF", "WorkingElsewhere", "NoData"}[b]
}

func busyNamed(s string) busyKind {
	for b := busyFree; b <= busyNoData; b++ {
		if b.String() == s {
			return b
		}
	}
	return busyBusy
}

// digit is the kind in the merged view; working elsewhere is free there.
func (b busyKind) digit() byte { return [...]byte{'0', '1', '2', '3', '0', '4'}[b] }

// busyTime is one entry of somebody's free/busy.
type busyTime struct {
	from, to time.Time
	kind     busyKind
	details  *node // CalendarEventDetails; nil when the asker sees only the time
}

// busyPerson is whose free/busy was asked for, and what was found.
type busyPerson struct {
	address   string
	organizer bool
	optional  bool
	room      bool
	who       *mailbox   // nil: unknown, or a list
	members   []*mailbox // of a list
	level     string     // what the asker may see: None, FreeBusyTimeOnly, FreeBusyTimeAndSubjectAndLocation, or more
	times     []busyTime
	err       error // a failure
}

// busyQuestion is a GetUserAvailability request as read.
type busyQuestion struct {
	zone     zoneRule
	people   []*busyPerson
	from, to time.Time
	interval time.Duration
	view     string
	wantView bool
	suggest  *suggestQuestion
}

// opGetUserAvailability answers free/busy and, when asked, suggestions.
func (s *Server) opGetUserAvailability(c *call) (*node, error) {
	q, err := s.readBusyQuestion(c)
	if err != nil {
		return nil, err
	}
	from, to := q.from, q.to
	if q.suggest != nil && (!q.wantView || q.suggest.from.Before(from)) {
		from = q.suggest.from
	}
	if q.suggest != nil && (!q.wantView || q.suggest.to.After(to)) {
		to = q.suggest.to
	}
	err = c.view(func(x *tx) error {
		for _, p := range q.people {
			p.err = s.lookUpBusy(c, x, p, from, to)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	resp := m("GetUserAvailabilityResponse")
	if q.wantView {
		list := m("FreeBusyResponseArray")
		for _, p := range q.people {
			one, err := s.busyAnswer(c, q, p)
			if err != nil {
				return nil, err
			}
			list.add(one)
		}
		resp.add(list)
	}
	if q.suggest != nil {
		resp.add(m("SuggestionsResponse", m("ResponseMessage", at("ResponseClass", "Success"), m("ResponseCode", "NoError")), s.suggestions(q)))
	}
	return resp, nil
}

// readBusyQuestion reads and checks the request.
func (s *Server) readBusyQuestion(c *call) (*busyQuestion, error) {
	q := &busyQuestion{zone: ruleOf(c.zone, s.now().Year()), interval: 30 * time.Minute, view: "FreeBusyMerged"}
	var err error
	if z := c.req.kid("TimeZone"); z != nil {
		if q.zone, err = readZoneRule(z); err != nil {
			return nil, err
		}
	}
	if err := s.readBusyPeople(c, q); err != nil {
		return nil, err
	}
	if o := c.req.kid("FreeBusyViewOptions"); o != nil {
		q.wantView = true
		if err := q.readView(o); err != nil {
			return nil, err
		}
	}
	if o := c.req.kid("SuggestionsViewOptions"); o != nil {
		if q.suggest, err = readSuggestQuestion(q.zone, o); err != nil {
			return nil, err
		}
	}
	if !q.wantView && q.suggest == nil {
		return nil, faultf("ErrorInvalidFreeBusyViewType", "Neither a free/busy view nor suggestions were asked for.")
	}
	return q, nil
}

func (s *Server) readBusyPeople(c *call, q *busyQuestion) error {
	data := c.req.kid("MailboxDataArray").all("MailboxData")
	if len(data) == 0 {
		return faultf("ErrorMailboxDataArrayEmpty", "There are no mailboxes in the request.")
	}
	if len(data) > maxAvailability {
		return faultf("ErrorMailboxDataArrayTooBig", "There are more than %d mailboxes in the request.", maxAvailability)
	}
	for _, d := range data {
		kind := d.text("AttendeeType")
		p := &busyPerson{address: strings.TrimSpace(d.text("Email", "Address")), organizer: kind == "Organizer", optional: kind == "Optional", room: kind == "Room" || kind == "Resource"}
		if e := s.people.find(p.address); e != nil {
			p.who = e.Mailbox
			if e.Mailbox == nil {
				p.members = s.membersOf(e)
			}
		}
		q.people = append(q.people, p)
	}
	return nil
}

// readView reads t:FreeBusyViewOptions.
func (q *busyQuestion) readView(o *node) error {
	var err error
	if q.from, q.to, err = readWindow(q.zone, o.kid("TimeWindow")); err != nil {
		return err
	}
	if q.to.Sub(q.from) > maxAvailabilitySpan {
		return faultf("ErrorTimeIntervalTooBig", "The time window is longer than %d days.", int(maxAvailabilitySpan.Hours()/24))
	}
	if text := o.text("MergedFreeBusyIntervalInMinutes"); text != "" {
		minutes, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || minutes < 5 || minutes > 1440 {
			return faultf("ErrorInvalidMergedFreeBusyInterval", "The interval must lie between 5 and 1440 minutes.")
		}
		q.interval = time.Duration(minutes) * time.Minute
	}
	if text := o.text("RequestedView"); text != "" {
		q.view = text
	}
	if !slices.Contains([]string{"MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged"}, q.view) {
		return faultf("ErrorInvalidFreeBusyViewType", "The view %q is not known.", q.view)
	}
	return nil
}

// readWindow reads t:Duration in a zone.
func readWindow(zone zoneRule, n *node) (from, to time.Time, err error) {
	from, ok1 := zone.instant(n.text("StartTime"))
	to, ok2 := zone.instant(n.text("EndTime"))
	if !ok1 || !ok2 || !from.Before(to) {
		return from, to, faultf("ErrorInvalidTimeInterval", "The time window is invalid.")
	}
	return from, to, nil
}

// lookUpBusy finds one person's entries. The error is a failure that belongs to their answer.
func (s *Server) lookUpBusy(c *call, x *tx, p *busyPerson, from, to time.Time) error {
	if p.who == nil && p.members == nil {
		return fail("ErrorMailRecipientNotFound", "Unable to resolve e-mail address "+p.address+" to an Active Directory object.")
	}
	if p.who == nil {
		for _, member := range p.members {
			times, _, err := s.busyTimes(c, x, member, from, to)
			if err != nil {
				return err
			}
			for i := range times {
				times[i].details = nil
			}
			p.times = append(p.times, times...)
		}
		p.level = "FreeBusyTimeOnly"
		sortBusy(p.times)
		return nil
	}
	var err error
	p.times, p.level, err = s.busyTimes(c, x, p.who, from, to)
	if err == nil && p.level == "None" {
		return fail("ErrorNoFreeBusyAccess", "The caller has no access to free/busy data.")
	}
	return err
}

// busyTimes reads a mailbox's main calendar, and says what the caller may see of it.
func (s *Server) busyTimes(c *call, x *tx, who *mailbox, from, to time.Time) ([]busyTime, string, error) {
	f, err := x.standard(who.ID, "calendar")
	if err != nil {
		return nil, "", err
	}
	level, err := c.busyLevel(x, f)
	if err != nil || level == "None" {
		return nil, level, err
	}
	private, err := c.seesPrivate(x, f)
	if err != nil {
		return nil, level, err
	}
	found, err := x.window(f, from, to)
	if err != nil {
		return nil, level, err
	}
	var out []busyTime
	for _, it := range found {
		b := busyTime{from: it.time("Start"), to: it.time("End"), kind: busyNamed(it.text("LegacyFreeBusyStatus"))}
		if it.flag("IsCancelled") {
			b.kind = busyFree
		}
		if !b.from.Before(to) || !b.to.After(from) && b.to.After(b.from) {
			continue
		}
		if level != "FreeBusyTimeOnly" {
			b.details = busyDetails(it, private)
		}
		out = append(out, b)
	}
	sortBusy(out)
	return out, level, nil
}

func sortBusy(times []busyTime) {
	slices.SortStableFunc(times, func(a, b busyTime) int { return a.from.Compare(b.from) })
}

// busyLevel is what the caller may see of a calendar's times.
func (c *call) busyLevel(x *tx, f *folder) (string, error) {
	if c.me == nil && c.service || c.me != nil && c.me.ID == f.Mailbox {
		return "Owner", nil
	}
	if c.me == nil {
		return "None", nil
	}
	g, err := x.grantOf(f.ID, c.me.Email)
	if err != nil {
		return "None", err
	}
	if g.Level == "Custom" {
		switch g.Props.text("ReadItems") {
		case "FullDetails", "TimeAndSubjectAndLocation":
			return "FreeBusyTimeAndSubjectAndLocation", nil
		case "TimeOnly":
			return "FreeBusyTimeOnly", nil
		}
		return "None", nil
	}
	if g.Level == "Contributor" {
		return "None", nil
	}
	return g.Level, nil
}

// busyDetails describes an entry; a private one keeps its words to itself.
func busyDetails(it *item, seesPrivate bool) *node {
	private := it.text("Sensitivity") == "Private" || it.text("Sensitivity") == "Confidential"
	d := t("CalendarEventDetails", t("ID", it.id()))
	if !private || seesPrivate {
		d.add(t("Subject", it.text("Subject")), t("Location", it.text("Location")))
	} else {
		d = t("CalendarEventDetails")
	}
	series := it.Master != 0
	return d.add(t("IsMeeting", it.isMeeting()), t("IsRecurring", series), t("IsException", series && it.ID != 0),
		t("IsReminderSet", it.flag("ReminderIsSet")), t("IsPrivate", private))
}

// busyAnswer writes one m:FreeBusyResponse.
func (s *Server) busyAnswer(c *call, q *busyQuestion, p *busyPerson) (*node, error) {
	msg, err := c.message(nil, p.err)
	if err != nil {
		return nil, err
	}
	msg.Name = "ResponseMessage"
	if p.err != nil {
		return m("FreeBusyResponse", msg, m("FreeBusyView", t("FreeBusyViewType", "None"))), nil
	}
	view := q.view
	if p.level == "FreeBusyTimeOnly" {
		view = strings.Replace(view, "Detailed", "FreeBusy", 1)
	}
	v := m("FreeBusyView", t("FreeBusyViewType", view))
	if strings.HasSuffix(view, "Merged") || view == "MergedOnly" {
		v.add(t("MergedFreeBusy", q.merged(p.times)))
	}
	if view != "MergedOnly" {
		list := t("CalendarEventArray")
		for _, b := range p.times {
			if !b.from.Before(q.to) || !b.to.After(q.from) {
				continue
			}
			e := t("CalendarEvent", t("StartTime", q.zone.local(b.from)), t("EndTime", q.zone.local(b.to)), t("BusyType", b.kind.String()))
			if strings.HasPrefix(view, "Detailed") {
				e.add(b.details)
			}
			list.add(e)
		}
		if len(list.Kids) > 0 {
			v.add(list)
		}
	}
	if p.who != nil {
		v.add(workingHours(p.who, s.now().Year()))
	}
	return m("FreeBusyResponse", msg, v), nil
}

// merged is one digit for each interval of the window; the weightiest entry that touches the interval wins.
func (q *busyQuestion) merged(times []busyTime) string {
	var out []byte
	for at := q.from; at.Before(q.to); at = at.Add(q.interval) {
		worst := byte('0')
		for _, b := range times {
			if b.from.Before(at.Add(q.interval)) && b.to.After(at) {
				worst = max(worst, b.kind.digit())
			}
		}
		out = append(out, worst)
	}
	return string(out)
}

// workingHours writes Monday to Friday by the clock of the mailbox's zone.
func workingHours(who *mailbox, year int) *node {
	return t("WorkingHours", ruleOf(who.Zone, year).serializable(), t("WorkingPeriodArray",
		t("WorkingPeriod", t("DayOfWeek", "Monday Tuesday Wednesday Thursday Friday"), t("StartTimeInMinutes", workBegin), t("EndTimeInMinutes", workEnd))))
}

// working says whether the whole of a time lies in somebody's working hours.
func (b *mailbox) working(from, to time.Time) bool {
	a, z := from.In(b.Zone), to.In(b.Zone)
	if a.Weekday() == time.Saturday || a.Weekday() == time.Sunday || a.YearDay() != z.YearDay() {
		return false
	}
	return a.Hour()*60+a.Minute() >= workBegin && z.Hour()*60+z.Minute() <= workEnd
}
