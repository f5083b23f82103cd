package views

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// HistoryPage is the page /history: what was asked for, and what was found.
type HistoryPage struct {
	Frame
	Form HistoryForm
	// Episodes are shown where no words were searched for, else Hits.
	Episodes []EpisodeItem
	Hits     []HitItem
	// Next is the cursor of the next page; Later is set on such a one.
	Next  string
	Later bool
	// Away: Exchange does not answer, so that what other programs keep there is missing.
	Away bool
	// Forbidden: policy does not let conversations be shown again.
	Forbidden bool
	// Deleted is set after an own copy was deleted.
	Deleted bool
	Month   HistoryMonth
	// People are those whom the field for a person offers.
	People []portal.Person
}

// HistoryForm is what the page's form holds.
type HistoryForm struct {
	// Q are words, Peer a person or room as it was typed; From and To are dates, the last one part of it.
	Q, Peer, From, To, Kind string
	// Month is the month that the small calendar shows: "2026-11"; empty: that of From, else the present one.
	Month string
}

// EpisodeItem is one line of the list.
type EpisodeItem struct {
	portal.Episode
	// Name is what the conversation is called; Who is the other person, where it is one, with their presence.
	Name     string
	Who      portal.Person
	Presence portal.Presence
}

// beginning is what was said first, on one line; from rooms without the signs of formatting.
func (e EpisodeItem) beginning() string {
	if e.Kind == portal.EpisodeRoom || e.Kind == portal.EpisodeGroup {
		return plainText(e.Subject, 160)
	}
	return firstWords(emoticons(e.Subject), 160)
}

// HitItem is a message that was found.
type HitItem struct {
	portal.Hit
	// Name is what its conversation is called, Sender who said it.
	Name   string
	Sender portal.Person
}

// HistoryMonth is a month with the number of messages of each of its days ("2026-11-21").
type HistoryMonth struct {
	First  time.Time
	Counts map[string]int
}

// EpisodeKinds are the kinds of conversations that can be asked for.
func EpisodeKinds() []portal.EpisodeKind {
	return []portal.EpisodeKind{portal.EpisodeIM, portal.EpisodeGroup, portal.EpisodeRoom, portal.EpisodeForeign}
}

// values is the form as a query, without what is empty.
func (f HistoryForm) values() url.Values {
	v := url.Values{}
	for key, text := range map[string]string{"q": f.Q, "peer": f.Peer, "from": f.From, "to": f.To, "kind": f.Kind, "month": f.Month} {
		if text != "" {
			v.Set(key, text)
		}
	}
	return v
}

// narrowed reports whether anything was asked for.
func (f HistoryForm) narrowed() bool {
	f.Month = ""
	return f != HistoryForm{}
}

// filtered reports whether more than words was asked for.
func (f HistoryForm) filtered() bool {
	f.Q = ""
	return f.narrowed()
}

// at is a path with the form as its query and some members set to something else; an empty one goes.
func (f HistoryForm) at(path string, pairs ...string) string {
	v := f.values()
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Del(pairs[i])
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// List is the way back to the list as it was asked for.
func (f HistoryForm) List() string { return f.at("/history") }

// back is the form as it is handed on to an opened conversation; empty where nothing was asked for.
func (f HistoryForm) back() string { return f.values().Encode() }

// open is where an episode is read, with the way back; order names the message that was found there, zero: none.
func (f HistoryForm) open(id string, order int64) string {
	v := url.Values{}
	if back := f.back(); back != "" {
		v.Set("list", back)
	}
	anchor := ""
	if order > 0 {
		v.Set("at", fmt.Sprint(order))
		anchor = "#" + lineID(order)
	}
	path := EpisodePath(id)
	if len(v) > 0 {
		path += "?" + v.Encode()
	}
	return path + anchor
}

// found is where a message that was found is read in its conversation.
func (v HistoryPage) found(h HitItem) string {
	if h.Episode != "" {
		return v.Form.open(h.Episode, h.Order)
	}
	if h.Room {
		return RoomPath(h.Conversation)
	}
	return v.PersonPath(h.Conversation)
}

func lineID(order int64) string { return fmt.Sprint("line-", order) }

// dayGroup is what began on one day.
type dayGroup[T any] struct {
	Key, Name string
	At        time.Time
	Items     []T
}

// byDay parts a list, in its order, where another day begins.
func byDay[T any](r Reader, items []T, at func(T) time.Time) []dayGroup[T] {
	var groups []dayGroup[T]
	for _, item := range items {
		key := r.dayKey(at(item))
		if n := len(groups); n == 0 || groups[n-1].Key != key {
			groups = append(groups, dayGroup[T]{Key: key, Name: r.day(at(item)), At: at(item)})
		}
		last := &groups[len(groups)-1]
		last.Items = append(last.Items, item)
	}
	return groups
}

func (v HistoryPage) days() []dayGroup[EpisodeItem] {
	return byDay(v.Reader, v.Episodes, func(e EpisodeItem) time.Time { return e.End })
}

func (v HistoryPage) hitDays() []dayGroup[HitItem] {
	return byDay(v.Reader, v.Hits, func(h HitItem) time.Time { return h.At })
}

// began is when an episode began: the time of day, with the day where that is not the one under which it stands.
func (v HistoryPage) began(e EpisodeItem) string {
	if v.dayKey(e.Start) != v.dayKey(e.End) {
		return v.moment(e.Start)
	}
	return v.clock(e.Start)
}

// showsHits reports whether messages were searched for, and not the items of other programs, which are found whole.
func (v HistoryPage) showsHits() bool {
	return v.Form.Q != "" && v.Form.Kind != string(portal.EpisodeForeign)
}

// monthDay is one day of the small calendar; the zero value is a place before the first or behind the last.
type monthDay struct {
	Key, Day string
	Messages int
	Today    bool
	Chosen   bool
	// Label says it in words.
	Label string
}

// weeks are the month's rows.
func (v HistoryPage) weeks() [][]monthDay {
	first := v.Month.First
	lead := (int(first.Weekday()) - int(v.FirstDay()) + 7) % 7
	cells := make([]monthDay, lead, 42)
	today := v.dayKey(v.Now)
	for day := first; day.Month() == first.Month(); day = midnight(day.Year(), day.Month(), day.Day()+1, v.Zone) {
		key := v.dayKey(day)
		c := monthDay{Key: key, Day: fmt.Sprint(day.Day()), Messages: v.Month.Counts[key], Today: key == today}
		c.Chosen = v.Form.From != "" && key >= v.Form.From && (v.Form.To == "" || key <= v.Form.To)
		c.Label = v.Count("history.day", c.Messages, "Day", v.longDay(day))
		cells = append(cells, c)
	}
	for len(cells)%7 != 0 {
		cells = append(cells, monthDay{})
	}
	return slices.Collect(slices.Chunk(cells, 7))
}

// monthTitle names the month of the small calendar, monthKey is its name in a query, so many months later.
func (v HistoryPage) monthTitle() string {
	return v.Text("history.month", "Month", v.monthLong(v.Month.First.Month()), "Year", v.Month.First.Year())
}

func (v HistoryPage) monthKey(later int) string {
	return time.Date(v.Month.First.Year(), v.Month.First.Month()+time.Month(later), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
}

// monthTotal is how many messages the month has.
func (v HistoryPage) monthTotal() int {
	n := 0
	for day := range maps.Values(v.Month.Counts) {
		n += day
	}
	return n
}

// TranscriptPage is the page /history/{id}.
type TranscriptPage struct {
	Frame
	// Form is the list from which one came.
	Form HistoryForm
	Item EpisodeItem
	// Lines is a stretch of it; Found is the order of the message that one looks for.
	Lines []LineItem
	Found int64
	// Earlier and Later are whether there is more before and behind the stretch.
	Earlier, Later bool
	// People are those in it.
	People []portal.Person
	// Continue is where the conversation goes on; empty where that is not known.
	Continue string
	// HTML is a foreign item's text. It is harmless: whoever fills it in has cleaned it.
	HTML string
}

// LineItem is one message of a transcript.
type LineItem struct {
	portal.Line
	Sender portal.Person
	Mine   bool
	// Opens: the reader may still open the line's files.
	Opens bool
}

// who is how a line's sender is called.
func (l LineItem) who() string {
	if l.Sender.URI == "" && l.Name != "" {
		return l.Name
	}
	return name(l.Sender)
}

// inRoom reports whether it was said in a room or a group of the portal.
func (v TranscriptPage) inRoom() bool {
	return v.Item.Kind == portal.EpisodeRoom || v.Item.Kind == portal.EpisodeGroup
}

// called knows the people of the conversation by the names with which one calls them.
func (v TranscriptPage) called() func(token string) bool {
	tokens := map[string]bool{}
	callable(tokens, v.Me.URI, v.Me)
	for _, p := range v.People {
		callable(tokens, p.URI, p)
	}
	for _, l := range v.Lines {
		callable(tokens, l.From, l.Sender)
	}
	return func(token string) bool { return tokens[token] }
}

// follows reports whether the same person went on.
func (v TranscriptPage) follows(i int) bool {
	if i == 0 {
		return false
	}
	a, b := v.Lines[i-1], v.Lines[i]
	return a.From == b.From && a.Name == b.Name && b.At.Sub(a.At) < followsWithin && v.dayKey(a.At) == v.dayKey(b.At)
}

// stretch is where the lines after an order are read.
func (v TranscriptPage) stretch(after int64) string {
	q := url.Values{"after": {fmt.Sprint(after)}}
	if back := v.Form.back(); back != "" {
		q.Set("list", back)
	}
	return EpisodePath(v.Item.ID) + "?" + q.Encode()
}

// StretchLines is how many lines of a transcript stand on a page.
const StretchLines = 200

func (v TranscriptPage) earlierPath() string {
	return v.stretch(max(0, v.Lines[0].Order-StretchLines-1))
}

func (v TranscriptPage) laterPath() string { return v.stretch(v.Lines[len(v.Lines)-1].Order) }

// exportPath is where the conversation is downloaded in a format.
func (v TranscriptPage) exportPath(format string) string {
	return EpisodePath(v.Item.ID) + "/export?" + url.Values{"format": {format}}.Encode()
}

// ExportFormats are those in which conversations are exported.
func ExportFormats() []string { return []string{"text", "html", "json"} }

// staysText says what a deletion leaves.
func (v TranscriptPage) staysText() string { return v.Text("history.stays." + string(v.Item.Kind)) }

// names lists people in words.
func (v TranscriptPage) names() string {
	words := make([]string, 0, len(v.People)+len(v.Item.Names))
	for _, p := range v.People {
		words = append(words, name(p))
	}
	return strings.Join(append(words, v.Item.Names...), ", ")
}
