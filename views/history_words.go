package views

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"portico/app/portal"
)

// showsHistory reports whether the page shows something of history or calls, whose style the others do not carry.
func (f Frame) showsHistory() bool {
	return f.Section == History || f.Section == Calls || f.Section == Admin
}

// callsTotal is how many calls are not seen and voice messages not heard.
func callsTotal(e portal.CountsEvent) int { return e.Calls + e.Voicemail }

// RoomPath is where a room is read.
func RoomPath(a portal.Address) string { return "/rooms/" + url.PathEscape(a.User()) }

// EpisodePath is where one conversation of the history is read.
func EpisodePath(id string) string { return "/history/" + url.PathEscape(id) }

// PeerHistoryPath is what was said with somebody.
func PeerHistoryPath(a portal.Address) string {
	return "/history?" + url.Values{"peer": {a.Bare()}}.Encode()
}

// VoicemailPath is where a voice message is acted upon; Recording where it is heard.
func VoicemailPath(id string) string { return "/calls/voicemail/" + url.PathEscape(id) }

// RecordingPath is the audio of a voice message.
func RecordingPath(id string) string { return "/api/v1/voicemail/" + url.PathEscape(id) + "/audio" }

// CallPath is where an entry of the list of calls is acted upon.
func CallPath(id string) string { return "/calls/" + url.PathEscape(id) }

// took says how long something lasted, to the minute: "12 min", "2 h 5 min".
func (r Reader) took(d time.Duration) string {
	minutes := int(d.Round(time.Minute) / time.Minute)
	switch {
	case minutes < 1:
		return r.Text("history.took-short")
	case minutes < 60:
		return r.Text("history.took", "Minutes", minutes)
	case minutes%60 == 0:
		return r.Text("history.took-hours", "Hours", minutes/60)
	}
	return r.Text("history.took-long", "Hours", minutes/60, "Minutes", minutes%60)
}

// seconds is a recording's length as players write it: "1:05".
func seconds(n int) string { return fmt.Sprintf("%d:%02d", n/60, n%60) }

// keptText says whether an episode is kept in Exchange; empty where there is nothing to say.
func (r Reader) keptText(e portal.Episode) string {
	switch e.Kept {
	case portal.KeptThere:
		return r.Text("history.kept")
	case portal.KeptWaiting:
		return r.Text("history.waiting")
	case portal.KeptRefused:
		return r.Text("history.refused", "Why", r.Sentence(cmp.Or(e.Reason, "history.refused"), nil))
	}
	return ""
}

// span says when an episode was: its day, from when to when.
func (r Reader) span(e portal.Episode) string {
	from, to := r.clock(e.Start), r.clock(e.End)
	switch {
	case r.dayKey(e.Start) != r.dayKey(e.End):
		return r.Text("history.span", "From", r.moment(e.Start), "To", r.moment(e.End))
	case from == to:
		return r.Text("history.at", "Day", r.day(e.Start), "Time", from)
	}
	return r.Text("history.between", "Day", r.day(e.Start), "From", from, "To", to)
}

// firstWords is a text on one line, cut to a length in characters.
func firstWords(text string, most int) string {
	line := strings.Join(strings.Fields(text), " ")
	if runes := []rune(line); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return line
}

// callName is how a caller is called: as the address book has them, else as they call themselves, else their number.
func callName(who portal.Person, said, number string) string {
	if known(who) {
		return who.DisplayName
	}
	return cmp.Or(said, number, who.URI.Bare())
}

// known reports whether the address book has somebody; whom it has not is called by their address.
func known(p portal.Person) bool {
	return p.DisplayName != "" && p.DisplayName != p.URI.Bare() && p.DisplayName != p.URI.User()
}
