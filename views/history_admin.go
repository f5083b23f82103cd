package views

import (
	"time"

	"portico/app/portal"
)

// HistoryAdminPage is the page /admin/history: holds, exports and the record of both.
type HistoryAdminPage struct {
	Frame
	Holds  []HoldItem
	Record []RecordItem
	// Retention is how long conversations are kept, RoomRetention what was said in rooms; zero: for ever.
	Retention, RoomRetention time.Duration
	// Done is a sentence about what was just done; empty if nothing was.
	Done string
	// Who, Reason, From and To are what a form held that was refused.
	Who, Reason, From, To string
}

// HoldItem is a hold with the names of its people.
type HoldItem struct {
	portal.Hold
	Person, Admin portal.Person
}

// RecordItem is a line of the record.
type RecordItem struct {
	At            time.Time
	Admin, Person portal.Person
	// What is "export", "hold" or "release".
	What     string
	From, To time.Time
	Format   string
	Messages int
	Reason   string
}

// keepText says how long something is kept.
func (r Reader) keepText(d time.Duration) string {
	if d <= 0 {
		return r.Text("history.keep-ever")
	}
	return r.Count("history.keep-days", int(d/(24*time.Hour)))
}

// reach says of what time an export was.
func (r Reader) reach(x RecordItem) string {
	switch {
	case x.What != "export":
		return ""
	case x.From.IsZero() && x.To.IsZero():
		return r.Text("history.reach-all")
	case x.From.IsZero():
		return r.Text("history.reach-to", "To", r.dateOf(x.To.In(r.Zone).AddDate(0, 0, -1)))
	case x.To.IsZero():
		return r.Text("history.reach-from", "From", r.dateOf(x.From.In(r.Zone)))
	}
	return r.Text("history.reach", "From", r.dateOf(x.From.In(r.Zone)), "To", r.dateOf(x.To.In(r.Zone).AddDate(0, 0, -1)))
}
