package views

import (
	"fmt"
	"strings"
	"time"

	"portico/app/portal"
)

// FactGroup is a part of the configuration information: what it is about, and lines of name and value.
type FactGroup struct {
	// ID tells the parts apart; Title is what the part is called.
	ID, Title string
	Facts     []Fact
	// Table has a line for each of several things of the same kind, Head what its columns are called.
	Head  []string
	Table [][]Fact
	// None is said where there is nothing to show.
	None string
}

// Fact is a name with its value: a text, or a moment.
type Fact struct {
	Name, Value string
	At          time.Time
	// Mark is the state mark before the value ("done", "failed", "waiting"); empty: none.
	Mark string
	// Code: the value is what machines write.
	Code bool
}

// DiagnosticsPage is the page /diagnostics.
type DiagnosticsPage struct {
	Frame
	Notice
	Groups []FactGroup
	Log    IncidentLog
	// Trace is nil where the portal traces nothing.
	Trace *Trace
	// Book is true where the log is kept.
	HasLog bool
}

// IncidentLog is a page of a log of problems.
type IncidentLog struct {
	Lines []IncidentItem
	// Older is the path of the older lines; empty: there are none.
	Older string
}

// IncidentItem is a line of it, with whom it is about.
type IncidentItem struct {
	portal.Incident
	Person portal.Person
}

// Trace is the trace of the person's own traffic.
type Trace struct {
	// On: it runs until Until.
	On     bool
	Until  time.Time
	Caught []portal.Traffic
	// Left is how many of the older ones are not shown, Dropped how many had to go.
	Left, Dropped int
}

// TraceMinutes are for how long a trace can be switched on.
func TraceMinutes() []int { return []int{5, 15, 30} }

// CauseText says what happened: in the words of its cause, or for the end of a problem in those of its part.
func (r Reader) CauseText(i portal.Incident) string {
	if i.Good && !r.Has("error."+i.Cause) {
		return r.Text("diagnostics.good." + partKey(i.Part))
	}
	return r.Sentence(i.Cause, map[string]string{"wait": r.Text("time.a-moment")})
}

// CureOf says what to do about it; empty where all is well. A cause without a cure of its own gives that of its
// family, and else a general one.
func (r Reader) CureOf(i portal.Incident) string {
	if i.Good {
		return ""
	}
	family, _, _ := strings.Cut(i.Cause, ".")
	for _, key := range []string{"cure." + i.Cause, "cure." + family} {
		if r.Has(key) {
			return r.Text(key)
		}
	}
	return r.Text("cure.any")
}

// partKey is the part of an incident as the catalogue knows it.
func partKey(part string) string {
	switch part {
	case portal.PartSignin, portal.PartSIP, portal.PartExchange, portal.PartDirectory, portal.PartLive, portal.PartPresence:
		return part
	}
	return portal.PartSIP
}

// incidentMark is the state mark of a line of the log.
func incidentMark(i portal.Incident) string {
	if i.Good {
		return "done"
	}
	return "failed"
}

// trafficWay is the direction of a message, as an arrow's name and a word.
func (r Reader) trafficWay(t portal.Traffic) string {
	if t.Sent {
		return r.Text("diagnostics.sent")
	}
	return r.Text("diagnostics.received")
}

// firstLine is what a message begins with.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	const most = 120
	line = strings.TrimRight(line, "\r")
	if runes := []rune(line); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return line
}

// trafficID is a message's id on the page: messages are told apart by when they went.
func trafficID(t portal.Traffic, place int) string {
	return fmt.Sprintf("traffic-%d-%d", t.At.UnixNano(), place)
}

// FactsText is the configuration information as plain text, to be sent to whoever helps.
func FactsText(r Reader, groups []FactGroup) string {
	var b strings.Builder
	for _, g := range groups {
		fmt.Fprintf(&b, "%s\n%s\n", g.Title, strings.Repeat("-", len([]rune(g.Title))))
		for _, f := range g.Facts {
			fmt.Fprintf(&b, "%s: %s\n", f.Name, r.factText(f))
		}
		for _, row := range g.Table {
			cells := make([]string, len(row))
			for i, f := range row {
				cells[i] = r.factText(f)
			}
			b.WriteString(strings.Join(cells, " | ") + "\n")
		}
		if len(g.Facts)+len(g.Table) == 0 {
			b.WriteString(g.None + "\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// factText is a fact's value on one line; moments with date and zone, since the text travels.
func (r Reader) factText(f Fact) string {
	if !f.At.IsZero() {
		return f.At.In(r.Zone).Format("2006-01-02 15:04:05 -07:00")
	}
	if f.Value == "" {
		return "–"
	}
	return strings.Join(strings.Fields(f.Value), " ")
}

// traceEvery is how often the trace is read again, in milliseconds: only while it is on.
func (v DiagnosticsPage) traceEvery() string {
	if !v.Trace.On {
		return "0"
	}
	return "3000"
}
