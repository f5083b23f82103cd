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

// adminTab is a page of the control panel.
type adminTab struct{ Name, Path string }

// adminTabs are the pages of the control panel of the synchronisation, in their order.
func adminTabs() []adminTab {
	return []adminTab{
		{"overview", SyncPath}, {"settings", SyncPath + "/settings"}, {"users", SyncPath + "/users"}, {"queue", SyncPath + "/queue"},
		{"transactions", SyncPath + "/transactions"}, {"conflicts", SyncPath + "/conflicts"}, {"diagnostics", SyncPath + "/diagnostics"},
		{"rules", SyncPath + "/rules"}, {"hooks", SyncPath + "/hooks"},
	}
}

// SyncPath is where the control panel of the synchronisation begins.
const SyncPath = "/admin/sync"

// SyncPage is the page /admin/sync.
type SyncPage struct {
	Frame
	Notice
	Status portal.SyncStatus
}

// Notice is what was just done, or what is wrong, on a page of the control panel.
type Notice struct {
	// Done is a sentence about what was done; empty if nothing was.
	Done string
	// Faults are the things that are wrong with what was sent, each by the field it is about.
	Faults []portal.SyncFault
}

// fault is what is wrong with a field; empty if nothing is.
func (n Notice) fault(r Reader, field string) string {
	var out []string
	for _, f := range n.Faults {
		if f.Where == field {
			out = append(out, r.Sentence(f.Reason, f.Args))
		}
	}
	return strings.Join(out, " ")
}

// faultText says what is wrong and where, for the list above a form.
func faultText(r Reader, f portal.SyncFault) string {
	sentence := r.Sentence(f.Reason, f.Args)
	if f.Where == "" {
		return sentence
	}
	return r.Text("sync.fault-at", "Where", f.Where, "What", sentence)
}

// mailboxName is how a mailbox is called.
func mailboxName(m portal.MailboxStatus) string {
	if m.Name != "" {
		return m.Name
	}
	return m.Mailbox.Bare()
}

// heldOf are the mailboxes that wait for a decision.
func heldOf(st portal.SyncStatus) []portal.MailboxStatus {
	var out []portal.MailboxStatus
	for _, m := range st.Mailboxes {
		if m.State == portal.MailboxHeld {
			out = append(out, m)
		}
	}
	return out
}

// counted is how many mailboxes are in a state.
func (v SyncPage) counted(state string) int {
	n := 0
	for _, m := range v.Status.Mailboxes {
		if m.State == state {
			n++
		}
	}
	return n
}

// queueText is the queue in words.
func (v SyncPage) queueText() string {
	q := v.Status.Queue
	if q.Waiting+q.Retrying+q.Held+q.Failed == 0 {
		return v.Text("sync.queue-empty")
	}
	return v.Text("sync.queue-counts", "Waiting", q.Waiting, "Retrying", q.Retrying, "Held", q.Held, "Failed", q.Failed)
}

// mailboxProblem is why a mailbox is not in step; empty if it is.
func (r Reader) mailboxProblem(m portal.MailboxStatus) string {
	if m.Reason == "" {
		return ""
	}
	return r.Sentence(m.Reason, map[string]string{"wait": r.Text("time.a-moment")})
}

// why is the sentence of a catalogue key that a job, a transaction or a delivery carries.
func (r Reader) why(reason string) string {
	if reason == "" {
		return ""
	}
	return r.Sentence(reason, map[string]string{"wait": r.Text("time.a-moment")})
}

// FindingText says what a check found.
func (r Reader) FindingText(f portal.SyncFinding) string {
	key := "sync.finding." + f.Kind
	if !r.Has(key) {
		key = "sync.finding.unknown"
	}
	return r.Text(key, "Name", f.Name)
}

// CureText says what to do about what a check found; empty where all is well.
func (r Reader) CureText(f portal.SyncFinding) string {
	key := "sync.cure." + f.Kind
	switch {
	case f.OK:
		return ""
	case !r.Has(key):
		key = "sync.cure.unknown"
	}
	return r.Text(key, "Name", f.Name)
}

// partText names what a finding is about.
func (r Reader) partText(f portal.SyncFinding) string {
	key := "sync.part." + f.Part
	text := f.Part
	if r.Has(key) {
		text = r.Text(key)
	}
	if f.Name != "" {
		text += " " + f.Name
	}
	return text
}

// directionText names a direction; every one for the empty one.
func (r Reader) directionText(d portal.Direction) string {
	if d == "" {
		return r.Text("sync.direction.both")
	}
	return r.Text("sync.direction." + string(d))
}

// directions are those that a filter chooses from.
func directions() []portal.Direction { return []portal.Direction{portal.ToExchange, portal.ToCRM} }

// lasted is a duration as people read it: "230 ms", "1.4 s", "3 min".
func (r Reader) lasted(d time.Duration) string {
	switch {
	case d <= 0:
		return "–"
	case d < time.Second:
		return r.Text("sync.ms", "N", d.Milliseconds())
	case d < time.Minute:
		return r.Text("sync.s", "N", fmt.Sprintf("%.1f", d.Seconds()))
	}
	return r.Wait(d)
}

// changedField is a field before and after, or in two versions.
type changedField struct{ Name, Before, After string }

// changedFields are the fields that two versions name, in order.
func changedFields(before, after map[string]string) []changedField {
	names := map[string]bool{}
	for _, m := range []map[string]string{before, after} {
		for name := range m {
			names[name] = true
		}
	}
	var out []changedField
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, changedField{name, before[name], after[name]})
	}
	return out
}

// fieldText names a field of an appointment; one without a name in the catalogue by its own.
func (r Reader) fieldText(name string) string {
	base, rest, _ := strings.Cut(name, ":")
	key := "sync.field." + strings.ReplaceAll(base, "_", "-")
	if !r.Has(key) {
		return name
	}
	if rest != "" {
		return r.Text(key) + ": " + rest
	}
	return r.Text(key)
}

// WithQuery is a path with the parameters that are not empty, given as name, value, name, value.
func WithQuery(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// withWord is an address of the portal itself that says in one parameter what was just done there.
func withWord(address, name, what string) string {
	path, query, _ := strings.Cut(address, "?")
	q, err := url.ParseQuery(query)
	if err != nil {
		q = url.Values{} // what cannot be read says nothing to the page either
	}
	q.Set(name, what)
	return path + "?" + q.Encode()
}

// SyncAt is a path below the control panel.
func SyncAt(parts ...string) string {
	path := SyncPath
	for _, p := range parts {
		path += "/" + url.PathEscape(p)
	}
	return path
}

// syncPanes are the parts of pages that show what an event is about.
func syncPanes(e portal.SyncEvent) []string {
	if e.ID != "" {
		return []string{"crm-section", "crm-pane", "calendar-pane", "appointment-pane"}
	}
	return []string{"sync-pane", "queue-pane", "log-pane", "conflicts-pane", "users-run", "users-pane", "hooks-pane"}
}
