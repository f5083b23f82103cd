package views

import (
	"cmp"
	"net/url"
	"time"

	"portico/app/portal"
)

// CallsPage is the page /calls: what was missed, and the voice mail.
type CallsPage struct {
	Frame
	Calls []CallItem
	// Next is the cursor of the next page; Later is set on such a one.
	Next  string
	Later bool
	// Unseen is how many entries have not been seen, on whichever page.
	Unseen    int
	Voicemail []VoicemailItem
	// Waiting is the voice mail system's own word on what waits.
	Waiting portal.Waiting
	// Away says why the voice mail cannot be listed; empty where it is.
	Away string
}

// CallItem is an entry of the list with who it was.
type CallItem struct {
	portal.Call
	Who      portal.Person
	Presence portal.Presence
}

// VoicemailItem is a voice message with who left it.
type VoicemailItem struct {
	portal.Voicemail
	Who portal.Person
}

func (c CallItem) name() string { return callName(c.Who, c.Name, c.Number) }

func (v VoicemailItem) name() string { return callName(v.Who, v.Name, v.Number) }

// answer is where one writes back; empty where that is a telephone that nobody in the address book has.
func (c CallItem) answer(f Frame) string { return f.answerPath(c.Who, c.From, c.Number) }

func (v VoicemailItem) answer(f Frame) string { return f.answerPath(v.Who, v.From, v.Number) }

func (f Frame) answerPath(who portal.Person, from portal.Address, number string) string {
	if from == "" || number != "" && !known(who) {
		return ""
	}
	return f.PersonPath(from)
}

// tel is a link that calls back: the number they called from, else the first that the address book has; empty where
// there is none.
func tel(who portal.Person, number string) string {
	if number == "" && len(who.Phones) > 0 {
		number = who.Phones[0]
	}
	if digits := dialable(number); digits != "" {
		return "tel:" + digits
	}
	return ""
}

// callText says what happened: that somebody called, how often, or wrote.
func (v CallsPage) callText(c CallItem) string {
	switch {
	case c.Kind == portal.MissedConversation:
		return v.Count("calls.wrote", max(c.Times, 1))
	case c.Times > 1:
		return v.Count("calls."+string(c.Kind)+".times", c.Times)
	}
	return v.Text("calls." + string(c.Kind))
}

func (v CallsPage) days() []dayGroup[CallItem] {
	return byDay(v.Reader, v.Calls, func(c CallItem) time.Time { return c.At })
}

// olderPath is the next page.
func (v CallsPage) olderPath() string {
	return "/calls?" + url.Values{"cursor": {v.Next}}.Encode()
}

// waitingText says what the voice mail system says; empty where it says nothing.
func (v CallsPage) waitingText() string {
	switch w := v.Waiting; {
	case !w.Known:
		return ""
	case w.New > 0 && w.Urgent > 0:
		return v.Count("voicemail.waiting-urgent", w.New, "Urgent", w.Urgent)
	case w.New > 0:
		return v.Count("voicemail.waiting", w.New)
	case w.Any:
		return v.Text("voicemail.waiting-some")
	}
	return v.Text("voicemail.waiting-none")
}

// account is a link that calls the voice mail system, with the number as it is shown; empty where it named none.
func (v CallsPage) account() (href, shown string) {
	u, err := url.Parse(v.Waiting.Account)
	if err != nil {
		return "", ""
	}
	switch u.Scheme {
	case "tel":
		return "tel:" + dialable(u.Opaque), u.Opaque
	case "sip", "sips":
		a, err := portal.ParseAddress(v.Waiting.Account)
		if err != nil {
			return "", ""
		}
		return string(a), a.Bare()
	}
	return "", ""
}

// lengthText says how long a recording is, else how large.
func (r Reader) lengthText(m VoicemailItem) string {
	switch {
	case m.Seconds > 0:
		return seconds(m.Seconds)
	case m.Size > 0:
		return r.Size(m.Size)
	}
	return ""
}

// speeds are those that recordings are played in, the usual one first.
func speeds() []string { return []string{"1", "1.25", "1.5", "2", "0.75"} }

// audioType is a recording's media type as a player wants to know it.
func (v VoicemailItem) audioType() string { return cmp.Or(v.Type, "audio/wav") }
