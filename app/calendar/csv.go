package calendar

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"portico/app/portal"
)

// CSVWords are the texts of an exported overview, in the reader's language.
type CSVWords struct {
	Subject, Organizer, Location, Start, End, Person, Email, Answer, AnsweredAt, Comment string
	Accepted, Tentative, Declined, Waiting                                               string
	// Answers are the words for the answers; one without a word stands as it is.
	Answers map[portal.Response]string
}

// CSV writes an overview with one row for each invited person, times by the clock of loc as RFC 3339.
// Cells that a spreadsheet would take for a formula begin with an apostrophe.
func (o Overview) CSV(w CSVWords, loc *time.Location) ([]byte, error) {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	out.UseCRLF = true // RFC 4180
	rows := [][]string{{w.Subject, w.Organizer, w.Location, w.Start, w.End, w.Accepted, w.Tentative, w.Declined, w.Waiting,
		w.Person, w.Email, w.Answer, w.AnsweredAt, w.Comment}}
	for _, m := range o.Meetings {
		rows = append(rows, m.rows(w, loc)...)
	}
	for _, row := range rows {
		for i := range row {
			row[i] = inert(row[i])
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("write the overview: %w", err)
	}
	return b.Bytes(), nil
}

func (m Meeting) rows(w CSVWords, loc *time.Location) [][]string {
	a := m.Appointment
	head := []string{a.Subject, nameOf(a.Organizer), a.Location, moment(a.Start, a.AllDay, loc), moment(a.End, a.AllDay, loc),
		strconv.Itoa(m.Tally.Accepted), strconv.Itoa(m.Tally.Tentative), strconv.Itoa(m.Tally.Declined), strconv.Itoa(m.Tally.Waiting)}
	var rows [][]string
	for _, p := range a.Attendees {
		answer, ok := w.Answers[answered(p.Response)]
		if !ok {
			answer = string(p.Response)
		}
		rows = append(rows, append(head[:len(head):len(head)], nameOf(p), p.Email, answer, moment(p.RespondedAt, false, loc), p.Comment))
	}
	if rows == nil {
		rows = [][]string{append(head, "", "", "", "", "")}
	}
	return rows
}

func nameOf(a portal.Attendee) string {
	if a.Name != "" {
		return a.Name
	}
	return a.Email
}

func moment(t time.Time, date bool, loc *time.Location) string {
	switch {
	case t.IsZero():
		return ""
	case date:
		return t.UTC().Format(time.DateOnly)
	}
	return t.In(loc).Format(time.RFC3339)
}

// inert keeps a cell from being a formula (OWASP ASVS 5.0, 1.2.10).
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
