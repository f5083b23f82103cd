package history

import (
	"context"
	"html"
	"strings"
	"time"

	"portico/app/portal"
)

// An episode as an item of Exchange's Conversation History, and such an item as an episode.

// partyMost bounds the people of an item.
const partyMost = 200

// endOf is when an item's conversation ended, as far as is said.
func endOf(n portal.ConversationNote) time.Time {
	if n.End.IsZero() {
		return n.Start
	}
	return n.End
}

// episodeOf is a foreign item as an entry of the list: its people are known by their e-mail addresses.
func (s *Service) episodeOf(who portal.Address, n portal.ConversationNote) portal.Episode {
	e := portal.Episode{ID: foreignPrefix + n.ItemID, Owner: who, Kind: portal.EpisodeForeign, Subject: n.Subject, Start: n.Start, End: endOf(n)}
	if e.Start.IsZero() {
		e.Start = e.End
	}
	seen := map[string]bool{}
	for _, p := range append([]portal.NoteParty{n.From}, n.To...) {
		key := strings.ToLower(p.Email + "\x00" + p.Name)
		if seen[key] || len(seen) >= partyMost || (p.Name == "" && p.Email == "") {
			continue
		}
		seen[key] = true
		switch a := s.o.Find(p.Email); {
		case a == who:
		case a != "":
			e.With = append(e.With, a)
		case p.Name != "":
			e.Names = append(e.Names, p.Name)
		default:
			e.Names = append(e.Names, p.Email)
		}
	}
	if len(e.With) == 1 && len(e.Names) == 0 {
		e.Conversation = e.With[0]
	}
	return e
}

// item makes the item of an episode with its lines. Its body is a table; all that people wrote is escaped.
func (s *Service) item(ctx context.Context, n portal.HistoryNote, lines []portal.Line) portal.ConversationNote {
	note := portal.ConversationNote{ItemID: n.ItemID, ChangeKey: n.ChangeKey, Class: portal.ClassConversation, Stamp: n.Stamp,
		Subject: s.subject(ctx, n.Owner, n.Episode), Start: n.Start, End: n.End, Read: true}
	if len(lines) > 0 {
		note.Start, note.End = span(lines)
	}
	people := []portal.Address{n.Owner}
	if n.Kind == portal.EpisodeIM {
		people = append(people, n.Conversation)
	}
	seen := map[portal.Address]bool{n.Owner: true, n.Conversation: true}
	for _, l := range lines {
		if !seen[l.From] && len(people) < partyMost {
			people = append(people, l.From)
		}
		seen[l.From] = true
	}
	names := make(map[portal.Address]string, len(people))
	for _, a := range people {
		p := s.o.Lookup(ctx, a)
		party := portal.NoteParty{Name: p.DisplayName, Email: p.Email}
		or(&party.Name, a.Bare())
		or(&party.Email, a.Bare()) // a SIP address has the form of one
		names[a] = party.Name
		note.To = append(note.To, party)
	}
	note.From = note.To[0]
	note.HTML = body(lines, names, s.o.zone(ctx, n.Owner), s.o.words(ctx, n.Owner))
	return note
}

// span is when the first of lines was said and when the last, by time.
func span(lines []portal.Line) (first, last time.Time) {
	first, last = lines[0].At, lines[0].At
	for _, l := range lines[1:] {
		if l.At.Before(first) {
			first = l.At
		}
		if l.At.After(last) {
			last = l.At
		}
	}
	return first, last
}

func (s *Service) subject(ctx context.Context, who portal.Address, e portal.Episode) string {
	if s.o.Subject != nil {
		if subject := s.o.Subject(ctx, who, e); subject != "" {
			return subject
		}
	}
	return s.o.words(ctx, who).With + " " + s.o.with(ctx, e)
}

// body is the text of an item: a row for each line, the date above the first of each day.
func body(lines []portal.Line, names map[portal.Address]string, zone *time.Location, w Words) string {
	var b strings.Builder
	b.WriteString(`<html><head><meta charset="utf-8"></head><body><table border="0" cellpadding="3">`)
	day := ""
	for _, l := range lines {
		at := l.At.In(zone)
		if d := w.Day(at); d != day {
			day = d
			b.WriteString(`<tr><th colspan="3" align="left">` + html.EscapeString(day) + `</th></tr>`)
		}
		name := names[l.From]
		or(&name, l.Name)
		or(&name, l.From.Bare())
		b.WriteString(`<tr><td valign="top">` + html.EscapeString(w.Clock(at)) + `</td><td valign="top"><b>` + html.EscapeString(strings.Join(strings.Fields(printable(name)), " ")) +
			`</b></td><td>` + escaped(l.Text) + `</td></tr>`)
	}
	b.WriteString(`</table></body></html>`)
	return b.String()
}

// escaped is text as HTML, its line ends kept; what XML cannot carry is left out.
func escaped(text string) string {
	return strings.ReplaceAll(html.EscapeString(printable(text)), "\n", "<br>")
}

// printable is text without control characters but the line end and the tab.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case r < 0x20, r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
}
