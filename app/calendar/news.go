package calendar

import (
	"slices"
	"strings"
	"time"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// News: whose answers to a meeting are others than they were.

// news lists whose answers differ between two copies of an entry, as of now.
func news(old, now *portal.Entry, at time.Time) []portal.AnswerNews {
	list := attendeeNews(old.Attendees, now.Attendees, time.Time{}, at)
	for i := range now.Exceptions {
		x := &now.Exceptions[i]
		before := old.Attendees
		if o := series.ExceptionOf(old, x.RecurrenceID); o != nil {
			before = o.Attendees
		}
		for _, n := range attendeeNews(before, x.Attendees, x.RecurrenceID, at) {
			// What was answered for the whole series is told once, with the series.
			if !slices.ContainsFunc(list, func(l portal.AnswerNews) bool { return l.Occurrence.IsZero() && l.Email == n.Email && l.Is == n.Is }) {
				list = append(list, n)
			}
		}
	}
	return list
}

func attendeeNews(old, now []portal.Attendee, occurrence, at time.Time) []portal.AnswerNews {
	var list []portal.AnswerNews
	for _, n := range now {
		o := portal.Attendee{Response: portal.ResponseNone}
		if i := slices.IndexFunc(old, func(o portal.Attendee) bool { return strings.EqualFold(o.Email, n.Email) }); i >= 0 {
			o = old[i]
		}
		// Where the server tells no time, an equal answer is no news.
		again := !n.RespondedAt.IsZero() && !o.RespondedAt.IsZero() && !n.RespondedAt.Equal(o.RespondedAt)
		if answered(o.Response) == answered(n.Response) && o.Comment == n.Comment && o.ProposedStart.Equal(n.ProposedStart) &&
			o.ProposedEnd.Equal(n.ProposedEnd) && !again {
			continue
		}
		list = append(list, portal.AnswerNews{Occurrence: occurrence, Email: strings.ToLower(n.Email), Name: n.Name,
			Was: answered(o.Response), Is: answered(n.Response), At: at})
	}
	return list
}

// answered takes the ways of saying "has not answered" as one.
func answered(r portal.Response) portal.Response {
	if r == "" {
		return portal.ResponseNone
	}
	return r
}

// mergeNews puts newer news over older: the latest change for each person and occurrence.
func mergeNews(older, newer []portal.AnswerNews) []portal.AnswerNews {
	out := slices.Clone(newer)
	for _, o := range older {
		if !slices.ContainsFunc(newer, func(n portal.AnswerNews) bool { return n.Email == o.Email && n.Occurrence.Equal(o.Occurrence) }) {
			out = append(out, o)
		}
	}
	const most = 200
	return out[:min(len(out), most)]
}
