package views

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// SyncDiagnosticsPage is the page /admin/sync/diagnostics.
type SyncDiagnosticsPage struct {
	Frame
	Notice
	Status portal.SyncStatus
	// Found are the results of tests that were just made, by mailbox.
	Found map[portal.Address]portal.SyncFinding
	// Lines are the newest lines of the live log, the oldest first.
	Lines []portal.SyncLogLine
}

// SyncRulesPage is the page /admin/sync/rules.
type SyncRulesPage struct {
	Frame
	Notice
	Rules    []RuleRow
	Revision int64
	// JSON is the rules as text; AsText: it is that text that is edited.
	JSON   string
	AsText bool
	// Samples are appointments to preview the rules on; Sample and Direction the chosen ones.
	Samples   []RuleSample
	Sample    string
	Direction portal.Direction
	Preview   *portal.SyncRulesPreview
}

// RuleSample is an appointment that rules can be tried on.
type RuleSample struct {
	ID, Subject string
	At          time.Time
}

// samples are the appointments to choose from, the chosen one among them.
func (v SyncRulesPage) samples() []RuleSample {
	if v.Sample == "" || slices.ContainsFunc(v.Samples, func(s RuleSample) bool { return s.ID == v.Sample }) {
		return v.Samples
	}
	return append([]RuleSample{{ID: v.Sample, Subject: v.Sample}}, v.Samples...)
}

// sampleNone stands where none is chosen.
func (v SyncRulesPage) sampleNone() string {
	if len(v.samples()) == 0 {
		return v.Text("sync.rules.samples-none")
	}
	return v.Text("sync.rules.samples-choose")
}

// sampleText is an appointment to choose, with when it was carried or is.
func (v SyncRulesPage) sampleText(s RuleSample) string {
	if s.At.IsZero() {
		return s.Subject
	}
	return s.Subject + " · " + v.moment(s.At)
}

// RuleRow is a rule as the form has it: every field as text.
type RuleRow struct {
	Name      string
	On        bool
	Direction portal.Direction

	SubjectContains, SubjectMatches, Category, Organizer, Mailbox string
	// Private, AllDay and Meeting are "", "yes" or "no".
	Private, AllDay, Meeting, Show string

	LeaveOut                bool
	Subject, Body, Location RuleText
	// Categories are separated by commas, those of MapCategories are "old=new".
	AddCategories, RemoveCategories, MapCategories string
	SetPrivate, SetShow                            string
}

// RuleText is what becomes of a text.
type RuleText struct {
	Drop                            bool
	Prefix, Find, Replace, Template string
}

// texts are the texts that a rule can change, by their field names.
func (r RuleRow) texts() []namedText {
	return []namedText{{"subject", r.Subject}, {"location", r.Location}, {"body", r.Body}}
}

type namedText struct {
	Name string
	RuleText
}

// ruleField names a field of a rule's row.
func ruleField(n int, field string) string { return fmt.Sprintf("rule.%d.%s", n, field) }

// ruleShows are the ways of showing time that a rule asks for or sets.
func ruleShows() []portal.FreeBusy {
	return []portal.FreeBusy{portal.ShowFree, portal.ShowTentative, portal.ShowBusy, portal.ShowOOF, portal.ShowElsewhere}
}

// HooksPage is the page /admin/sync/hooks.
type HooksPage struct {
	Frame
	Notice
	Hooks []HookRow
	// Made is an endpoint that has just been given Secret: the only time that it is shown.
	Made   portal.HookEndpoint
	Secret string
	// Draft is what was typed for another one.
	Draft portal.HookEndpoint
}

// HookRow is an endpoint with how many deliveries wait and were given up, as far as was counted.
type HookRow struct {
	portal.HookEndpoint
	Waiting, Failed string
}

// DeliveriesPage is the page /admin/sync/hooks/{id}.
type DeliveriesPage struct {
	Frame
	Notice
	Hook       portal.HookEndpoint
	State      string
	Deliveries []portal.HookDelivery
	// Next is the number below which more follow; zero: there are no more.
	Next int64
}

// hookStates are those that a filter chooses from.
func hookStates() []string { return []string{portal.HookWaiting, portal.HookDone, portal.HookFailed} }

// query is the page with its filter.
func (v DeliveriesPage) query(before int64) string {
	next := ""
	if before > 0 {
		next = fmt.Sprint(before)
	}
	return WithQuery(SyncAt("hooks", v.Hook.ID), "state", v.State, "before", next)
}

// ruleFaults are what is wrong with the rule at a place, each with the field that it is about.
func (v SyncRulesPage) ruleFaults(n int) []string {
	var out []string
	for _, f := range v.Faults {
		if field, ok := strings.CutPrefix(f.Where, fmt.Sprint(n)+"."); ok {
			out = append(out, v.Text("sync.fault-at", "Where", field, "What", v.Sentence(f.Reason, f.Args)))
		}
	}
	return out
}

// others are the mailboxes that were tested and are not synchronised.
func (v SyncDiagnosticsPage) others() []portal.Address {
	var out []portal.Address
	for a := range v.Found {
		if !slices.ContainsFunc(v.Status.Mailboxes, func(m portal.MailboxStatus) bool { return m.Mailbox == a }) {
			out = append(out, a)
		}
	}
	slices.Sort(out)
	return out
}

// second is a time of day to the second.
func (r Reader) second(t time.Time) string { return t.In(r.Zone).Format("15:04:05") }

// didText says what a rule did to an appointment.
func (r Reader) didText(t portal.SyncRuleTrace) string {
	var did []string
	for _, what := range t.Did {
		if key := "sync.did." + what; r.Has(key) {
			did = append(did, r.Text(key))
			continue
		}
		did = append(did, r.fieldText(what))
	}
	if len(did) == 0 {
		return r.Text("sync.did.nothing")
	}
	return r.list(did)
}
