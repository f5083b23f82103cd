package pidf

import (
	"strings"

	"portico/app/portal"
)

// activitiesOf is the table of the package comment from a claim to RPID: element names, most telling
// first (clients that show one show that), and a text for rpid:other.
func activitiesOf(av portal.Availability, ac portal.Activity) (names []string, other string) {
	switch av {
	case portal.Offline:
		return nil, ""
	case portal.Unknown:
		return []string{"unknown"}, ""
	}
	switch ac {
	case portal.InACall, portal.InAConference: // RPID has no conference
		return []string{"on-the-phone"}, ""
	case portal.InAMeeting:
		return []string{"meeting"}, ""
	case portal.OutOfOffice:
		return []string{"away"}, "out-of-office"
	}
	switch av {
	case portal.Busy, portal.DoNotDisturb:
		return []string{"busy"}, ""
	case portal.Away, portal.BeRightBack:
		return []string{"away"}, ""
	}
	return nil, ""
}

// state is what a name or phrase says of a person.
type state struct {
	availability portal.Availability
	activity     portal.Activity
	source       portal.Source
}

// activityNames maps the activities of RFC 4480 section 3.2, and those that clients invented, to
// what they say of reachability. Those that say nothing (other, unknown, tv, working, …) are absent.
var activityNames = map[string]state{
	"on-the-phone":      {portal.Busy, portal.InACall, portal.SourceCall},
	"onthephone":        {portal.Busy, portal.InACall, portal.SourceCall},
	"busy":              {portal.Busy, "", ""},
	"meeting":           {portal.Busy, portal.InAMeeting, ""},
	"appointment":       {portal.Busy, portal.InAMeeting, ""},
	"presentation":      {portal.DoNotDisturb, "", ""},
	"performance":       {portal.Busy, "", ""},
	"steering":          {portal.Busy, "", ""},
	"worship":           {portal.DoNotDisturb, "", ""},
	"dnd":               {portal.DoNotDisturb, "", ""},
	"do-not-disturb":    {portal.DoNotDisturb, "", ""},
	"away":              {portal.Away, "", ""},
	"breakfast":         {portal.Away, "", ""},
	"lunch":             {portal.Away, "", ""},
	"dinner":            {portal.Away, "", ""},
	"meal":              {portal.Away, "", ""},
	"in-transit":        {portal.Away, "", ""},
	"travel":            {portal.Away, "", ""},
	"shopping":          {portal.Away, "", ""},
	"sleeping":          {portal.Away, "", ""},
	"be-right-back":     {portal.BeRightBack, "", ""},
	"vacation":          {portal.Away, portal.OutOfOffice, ""},
	"holiday":           {portal.Away, portal.OutOfOffice, ""},
	"permanent-absence": {portal.Away, portal.OutOfOffice, ""},
	"out-of-office":     {portal.Away, portal.OutOfOffice, ""},
}

// phrases maps the status texts that clients put into notes (lower case, punctuation dropped).
var phrases = map[string]state{
	"available":         {portal.Available, "", ""},
	"online":            {portal.Available, "", ""},
	"open":              {portal.Available, "", ""},
	"ready":             {portal.Available, "", ""},
	"ready to talk":     {portal.Available, "", ""},
	"idle":              {portal.Available, portal.Inactive, portal.SourceActivity},
	"away":              {portal.Away, "", ""},
	"be right back":     {portal.BeRightBack, "", ""},
	"brb":               {portal.BeRightBack, "", ""},
	"out to lunch":      {portal.Away, "", ""},
	"lunch":             {portal.Away, "", ""},
	"busy":              {portal.Busy, "", ""},
	"busy dnd":          {portal.DoNotDisturb, "", ""},
	"do not disturb":    {portal.DoNotDisturb, "", ""},
	"donotdisturb":      {portal.DoNotDisturb, "", ""},
	"dnd":               {portal.DoNotDisturb, "", ""},
	"on the phone":      {portal.Busy, portal.InACall, portal.SourceCall},
	"onthephone":        {portal.Busy, portal.InACall, portal.SourceCall},
	"in a call":         {portal.Busy, portal.InACall, portal.SourceCall},
	"on a call":         {portal.Busy, portal.InACall, portal.SourceCall},
	"talking":           {portal.Busy, portal.InACall, portal.SourceCall},
	"talk":              {portal.Busy, portal.InACall, portal.SourceCall},
	"ringing":           {portal.Busy, portal.InACall, portal.SourceCall},
	"calling":           {portal.Busy, portal.InACall, portal.SourceCall},
	"hold":              {portal.Busy, portal.InACall, portal.SourceCall},
	"on hold":           {portal.Busy, portal.InACall, portal.SourceCall},
	"in a meeting":      {portal.Busy, portal.InAMeeting, ""},
	"meeting":           {portal.Busy, portal.InAMeeting, ""},
	"in a conference":   {portal.Busy, portal.InAConference, ""},
	"out of office":     {portal.Away, portal.OutOfOffice, ""},
	"vacation":          {portal.Away, portal.OutOfOffice, ""},
	"unavailable":       {portal.Unknown, "", ""},
	"offline":           {portal.Offline, "", ""},
	"invisible":         {portal.Offline, "", ""},
	"not online":        {portal.Offline, "", ""},
	"closed":            {portal.Offline, "", ""},
	"not available":     {portal.Away, "", ""},
	"extended away":     {portal.Away, "", ""},
	"urgent calls only": {portal.Busy, "", ""},
}

// phrase looks a note up as a status text.
func phrase(note string) (state, bool) {
	if note == "" || len(note) > 32 {
		return state{}, false
	}
	words := strings.FieldsFunc(strings.ToLower(note), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	s, ok := phrases[strings.Join(words, " ")]
	return s, ok
}

// weight orders availabilities by how much they tell a caller to hold back.
func weight(a portal.Availability) int {
	switch a {
	case portal.DoNotDisturb:
		return 5
	case portal.Busy:
		return 4
	case portal.Away:
		return 3
	case portal.BeRightBack:
		return 2
	case portal.Available:
		return 1
	}
	return 0
}

// strongest joins what several activities of one person say: the most restraining availability with
// the first activity that refines it; out-of-office refines any.
func strongest(a, b state) state {
	if weight(b.availability) > weight(a.availability) || a.availability == "" {
		a, b = b, a
	}
	if a.activity == "" && (weight(a.availability) == weight(b.availability) || b.activity == portal.OutOfOffice) {
		a.activity = b.activity
		if a.source == "" {
			a.source = b.source
		}
	}
	return a
}
