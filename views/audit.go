package views

import (
	"strconv"
	"time"

	"portico/app/portal"
)

// AuditPath is where the audit trail is.
const AuditPath = "/admin/audit"

// AuditPage is the page /admin/audit.
type AuditPage struct {
	Frame
	Notice
	// Typed, Kind, Refused, From and To are what was asked for, as it was typed.
	Typed, Kind string
	Refused     bool
	From, To    string
	Lines       []portal.Audited
	Names       ScopeNames
	// Older is the line before which the next page begins; 0: there is none.
	Older int64
	// Retention is how long lines are kept; zero: for ever.
	Retention time.Duration
}

// query is what was asked for, with more pairs of names and values.
func (v AuditPage) query(path string, more ...string) string {
	pairs := []string{}
	add := func(name, value string) {
		if value != "" {
			pairs = append(pairs, name, value)
		}
	}
	add("who", v.Typed)
	add("kind", v.Kind)
	if v.Refused {
		add("result", "refused")
	}
	add("from", v.From)
	add("to", v.To)
	if pairs = append(pairs, more...); len(pairs) == 0 {
		return path
	}
	return WithQuery(path, pairs...)
}

// older is the next page.
func (v AuditPage) older() string {
	return v.query(AuditPath, "before", strconv.FormatInt(v.Older, 10))
}

// filtered reports whether something was asked for.
func (v AuditPage) filtered() bool {
	return v.Typed != "" || v.Kind != "" || v.Refused || v.From != "" || v.To != ""
}

// kept says how long lines are kept.
func (v AuditPage) kept() string {
	if v.Retention <= 0 {
		return v.Text("audit.kept-ever")
	}
	return v.Count("audit.kept", int(v.Retention/(24*time.Hour)))
}

// kinds are those to choose from.
func (v AuditPage) kinds() []string { return portal.AuditKinds() }

// failure says why something was not done.
func (v AuditPage) failure(l portal.Audited) string {
	if l.Result == portal.AuditDone {
		return ""
	}
	return l.Result
}
