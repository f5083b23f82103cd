package mapping

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"portico/app/portal"
)

// Checking rules before they are in force, and showing what they would do.

// Fault is what is wrong with a rule.
type Fault struct {
	// Rule is the name of the rule, Index its place from 0; Field is where in it, as in the JSON form.
	Rule  string `json:"rule"`
	Index int    `json:"index"`
	Field string `json:"field"`
	// Reason is a catalogue key; Detail the operator's text.
	Reason string `json:"reason"`
	Detail string `json:"detail,omitempty"`
}

// The reasons of faults.
const (
	FaultName        = "sync.rules.name"        // none, or too long
	FaultTwice       = "sync.rules.twice"       // another rule has the name
	FaultDirection   = "sync.rules.direction"   // no direction
	FaultPattern     = "sync.rules.pattern"     // no regular expression
	FaultLong        = "sync.rules.long"        // too long, or too many
	FaultShow        = "sync.rules.show"        // no free/busy value
	FaultText        = "sync.rules.text"        // more than one thing is done to a text
	FaultPlaceholder = "sync.rules.placeholder" // a template with an unknown placeholder
	FaultNothing     = "sync.rules.nothing"     // it does nothing
	FaultMany        = "sync.rules.too-many"    // more rules than a set may have
)

// Validate gives all faults of a rule set, in the order of the rules; none: it can be put into force.
func (rs Rules) Validate() []Fault {
	_, faults := rs.compile()
	return faults
}

// Compile makes the rules that are on ready for use. The error names the first fault that Validate finds and wraps portal.ErrInvalid.
func (rs Rules) Compile() (*Mapper, error) {
	m, faults := rs.compile()
	if len(faults) > 0 {
		f := faults[0]
		return nil, portal.Fail(portal.ErrInvalid, f.Reason).With("Rule", f.Rule).
			Because(fmt.Errorf("rule %d %q, %s: %s", f.Index, f.Rule, f.Field, f.Detail))
	}
	return m, nil
}

// checking gathers the faults of one rule.
type checking struct {
	rule   *Rule
	index  int
	faults []Fault
}

func (c *checking) fault(field, reason, format string, args ...any) {
	c.faults = append(c.faults, Fault{Rule: c.rule.Name, Index: c.index, Field: field, Reason: reason, Detail: fmt.Sprintf(format, args...)})
}

func (rs Rules) compile() (*Mapper, []Fault) {
	m := &Mapper{}
	var faults []Fault
	if len(rs) > MaxRules {
		return nil, []Fault{{Index: MaxRules, Reason: FaultMany, Detail: fmt.Sprintf("%d rules", len(rs))}}
	}
	names := map[string]bool{}
	for i := range rs {
		c := checking{rule: &rs[i], index: i}
		done := c.check()
		if name := strings.ToLower(rs[i].Name); names[name] {
			c.fault("name", FaultTwice, "another rule has this name")
		} else {
			names[name] = true
		}
		faults = append(faults, c.faults...)
		if rs[i].On {
			m.rules = append(m.rules, done)
		}
	}
	return m, faults
}

func (c *checking) check() compiled {
	r := c.rule
	out := compiled{Rule: *r}
	if strings.TrimSpace(r.Name) == "" || len(r.Name) > MaxName || !utf8.ValidString(r.Name) {
		c.fault("name", FaultName, "a name of 1 to %d bytes is needed", MaxName)
	}
	if r.Direction != "" && r.Direction != portal.ToExchange && r.Direction != portal.ToCRM {
		c.fault("direction", FaultDirection, "%.40q", r.Direction)
	}
	out.matches = c.pattern("when.subject_matches", r.When.SubjectMatches)
	for _, s := range []struct{ field, value string }{
		{"when.subject_contains", r.When.SubjectContains}, {"when.category", r.When.Category},
		{"when.organizer", r.When.Organizer}, {"when.mailbox", r.When.Mailbox},
	} {
		c.short(s.field, s.value)
	}
	c.show("when.show", r.When.Show)
	c.show("do.show", r.Do.Show)
	out.subject = c.text("do.subject", r.Do.Subject)
	out.body = c.text("do.body", r.Do.Body)
	out.location = c.text("do.location", r.Do.Location)
	c.categories()
	if d := r.Do; !d.LeaveOut && d.Subject.Empty() && d.Body.Empty() && d.Location.Empty() && d.Private == nil && d.Show == "" &&
		len(d.AddCategories)+len(d.RemoveCategories)+len(d.MapCategories) == 0 {
		c.fault("do", FaultNothing, "the rule does nothing")
	}
	return out
}

func (c *checking) short(field, value string) {
	if len(value) > MaxName {
		c.fault(field, FaultLong, "%d bytes, at most %d", len(value), MaxName)
	}
}

func (c *checking) pattern(field, expr string) *regexp.Regexp {
	if expr == "" {
		return nil
	}
	if len(expr) > MaxPattern {
		c.fault(field, FaultLong, "%d bytes, at most %d", len(expr), MaxPattern)
		return nil
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		c.fault(field, FaultPattern, "%v", err)
		return nil
	}
	return re
}

func (c *checking) show(field string, v portal.FreeBusy) {
	known := []portal.FreeBusy{"", portal.ShowFree, portal.ShowTentative, portal.ShowBusy, portal.ShowOOF, portal.ShowElsewhere}
	if !slices.Contains(known, v) {
		c.fault(field, FaultShow, "%.40q", v)
	}
}

// placeholders finds what looks like one in a template.
func placeholders(template string) []string {
	var out []string
	for rest := template; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return out
		}
		name, next, ok := strings.Cut(after, "}")
		if !ok {
			return append(out, "{"+after) // never closed
		}
		out, rest = append(out, name), next
	}
}

func (c *checking) text(field string, t Text) *regexp.Regexp {
	kinds := 0
	for _, given := range []bool{t.Drop, t.Template != "", t.Find != "" || t.Prefix != "" && t.Template == "" && !t.Drop} {
		if given {
			kinds++
		}
	}
	if kinds > 1 || t.Prefix != "" && (t.Drop || t.Template != "") || t.Replace != "" && t.Find == "" {
		c.fault(field, FaultText, "drop, template and find exclude each other; prefix goes with find or alone; replace needs find")
	}
	if len(t.Template) > MaxTemplate {
		c.fault(field+".template", FaultLong, "%d bytes, at most %d", len(t.Template), MaxTemplate)
	}
	for _, name := range placeholders(t.Template) {
		if !slices.Contains([]string{"text", "subject", "body", "location", "organizer", "categories", "mailbox"}, name) {
			c.fault(field+".template", FaultPlaceholder, "{%.40s}", name)
		}
	}
	c.short(field+".prefix", t.Prefix)
	c.short(field+".replace", t.Replace)
	return c.pattern(field+".find", t.Find)
}

func (c *checking) categories() {
	d := &c.rule.Do
	if len(d.AddCategories) > maxList || len(d.RemoveCategories) > maxList || len(d.MapCategories) > maxList {
		c.fault("do.add_categories", FaultLong, "at most %d categories", maxList)
	}
	for _, v := range d.AddCategories {
		c.short("do.add_categories", v)
	}
	for _, v := range d.RemoveCategories {
		c.short("do.remove_categories", v)
	}
	for _, from := range slices.Sorted(maps.Keys(d.MapCategories)) {
		c.short("do.map_categories", from)
		c.short("do.map_categories", d.MapCategories[from])
	}
}

// Shown is a preview: an appointment before and after the rules of a direction.
type Shown struct {
	Before  Item   `json:"before"`
	After   Item   `json:"after"`
	LeftOut bool   `json:"left_out"`
	Trace   []Done `json:"trace"`
}

// Preview shows what rules would do to an appointment, without a change to anything. The error wraps portal.ErrInvalid.
func Preview(rs Rules, d portal.Direction, it Item) (Shown, error) {
	m, err := rs.Compile()
	if err != nil {
		return Shown{}, err
	}
	o := m.Apply(d, it)
	return Shown{Before: it, After: o.Item, LeftOut: o.LeftOut, Trace: o.Trace}, nil
}
