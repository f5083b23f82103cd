package admin

// Taking what was decided from one portal to another, or back from a backup: one JSON document, and first a look at what
// it would change.

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

const (
	// MaxImport is the largest document that is read, in bytes.
	MaxImport = 4 << 20
	// exportFormat and exportVersion tell a document from others, and what it means.
	exportFormat, exportVersion = "portico-policies", 1
)

// Document is what Export writes and Import reads. A part that is missing (null) says nothing: what is there stays.
type Document struct {
	Format     string    `json:"format"`
	Version    int       `json:"version"`
	ExportedAt time.Time `json:"exported_at,omitzero"`
	// Groups and Rules belong together; a rule names its group by the group's id in this document.
	Groups *[]portal.PolicyGroup `json:"groups,omitempty"`
	Rules  *[]DocumentRule       `json:"rules,omitempty"`
	// CustomStates is the uploaded file; empty: there is to be none.
	CustomStates *string `json:"custom_states,omitempty"`
	// Origins are those from which presence buttons may ask.
	Origins *[]string `json:"origins,omitempty"`
}

// DocumentRule is a rule without who set it when: that is the importing portal's to say.
type DocumentRule struct {
	Name  string             `json:"name"`
	Scope portal.PolicyScope `json:"scope"`
	Value string             `json:"value"`
}

// Export writes all that was decided as a Document.
func (s *Service) Export(context.Context) ([]byte, error) {
	now, err := s.ready()
	if err != nil {
		return nil, err
	}
	groups, rules := cloneGroups(now.groups), make([]DocumentRule, 0, len(now.rules))
	if groups == nil {
		groups = []portal.PolicyGroup{}
	}
	for _, r := range now.rules {
		rules = append(rules, DocumentRule{r.Name, r.Scope, r.Value})
	}
	states, origins := statesText(now.sets[""].XML), slices.AppendSeq([]string{}, maps.Keys(now.origins))
	slices.Sort(origins)
	doc := Document{Format: exportFormat, Version: exportVersion, ExportedAt: s.o.Now().UTC(), Groups: &groups, Rules: &rules,
		CustomStates: &states, Origins: &origins}
	out, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("export policies: %w", err)
	}
	return append(out, '\n'), nil
}

// statesText is a file of custom states as text; JSON has no bytes.
func statesText(xml []byte) string {
	text, err := policy.CustomStatesText(xml)
	if err != nil {
		return ""
	}
	return text
}

// plan is what an import changes.
type plan struct {
	c        Changes
	states   *portal.CustomStates // to save
	noStates bool
	allow    []portal.Origin
	refuse   []string
	lines    []portal.PolicyChange
}

// Import makes what was decided as a document says, and gives the lines of the record that this makes; dry only says
// them. Rules and groups change together or not at all; custom states and origins follow, and where one of them fails the
// same import again does the rest. Errors: ErrInvalid ("policy.import-size", "policy.import-form", "policy.import-version"),
// and those of the calls for single changes, with the argument "place" ("rules[3]") saying where.
func (s *Service) Import(ctx context.Context, by portal.Address, data []byte, dry bool) ([]portal.PolicyChange, error) {
	doc, err := readDocument(data)
	if err != nil {
		return nil, err
	}
	if dry {
		now, err := s.ready()
		if err != nil {
			return nil, err
		}
		p, err := s.plan(now, by, doc)
		return p.lines, err
	}
	var lines []portal.PolicyChange
	err = s.change(ctx, func(now *snapshot) (*snapshot, error) {
		p, err := s.plan(now, by, doc)
		if err != nil {
			return nil, err
		}
		lines = p.lines
		if len(lines) == 0 {
			return nil, nil
		}
		return s.carryOut(ctx, now, p, by)
	})
	if err != nil {
		return nil, err
	}
	return lines, nil
}

func readDocument(data []byte) (Document, error) {
	var doc Document
	if len(data) > MaxImport {
		return doc, portal.Fail(portal.ErrInvalid, "policy.import-size").With("max", strconv.Itoa(MaxImport>>20))
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(&doc)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the document")
		}
	}
	if err != nil {
		return doc, portal.Fail(portal.ErrInvalid, "policy.import-form").With("place", "line "+strconv.Itoa(lineOf(data, d.InputOffset(), err))).
			With("what", clip(strings.TrimPrefix(err.Error(), "json: "), 100)).Because(err)
	}
	if doc.Format != exportFormat || doc.Version != exportVersion {
		return doc, portal.Fail(portal.ErrInvalid, "policy.import-version").With("version", strconv.Itoa(exportVersion))
	}
	return doc, nil
}

// lineOf is the line on which a document is broken.
func lineOf(data []byte, offset int64, err error) int {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	case errors.Is(err, io.ErrUnexpectedEOF):
		offset = int64(len(data))
	}
	return 1 + bytes.Count(data[:min(max(offset, 0), int64(len(data)))], []byte("\n"))
}

// at says where in the document a fault is.
func at(err error, format string, args ...any) error {
	var e *portal.Error
	if err != nil && errors.As(err, &e) {
		return e.With("place", fmt.Sprintf(format, args...))
	}
	return err
}

// plan compares a document with what holds.
func (s *Service) plan(now *snapshot, by portal.Address, doc Document) (plan, error) {
	p, when := plan{}, s.o.Now().UTC()
	groups, ids, err := p.groups(now, doc, by, when)
	if err != nil {
		return plan{}, err
	}
	if err := p.rules(now, doc, groups, ids, by, when); err != nil {
		return plan{}, err
	}
	p.c.Record = slices.Clone(p.lines)
	if err := p.customStates(now, doc, by, when); err != nil {
		return plan{}, err
	}
	if err := p.origins(now, doc, by, when); err != nil {
		return plan{}, err
	}
	return p, nil
}

// groups plans the groups. It gives those that there will be, and under which ids those of the document.
func (p *plan) groups(now *snapshot, doc Document, by portal.Address, when time.Time) ([]portal.PolicyGroup, map[string]string, error) {
	ids := map[string]string{}
	if doc.Groups == nil {
		for _, g := range now.groups {
			ids[g.ID] = g.ID
		}
		return now.groups, ids, nil
	}
	if len(*doc.Groups) > maxGroups {
		return nil, nil, portal.Fail(portal.ErrTooMany, "policy.many-groups").With("max", strconv.Itoa(maxGroups))
	}
	old := map[string]portal.PolicyGroup{}
	for _, g := range now.groups {
		old[g.ID] = g
	}
	var groups []portal.PolicyGroup
	names, used := map[string]bool{}, map[string]bool{} // ids that are the document's own, or given away
	for _, g := range *doc.Groups {
		used[g.ID] = true
	}
	for i, raw := range *doc.Groups {
		g, err := checkGroup(raw)
		if err == nil && g.ID == "" {
			err = portal.Fail(portal.ErrInvalid, "policy.group-id")
		}
		if _, twice := ids[g.ID]; err == nil && twice {
			err = portal.Fail(portal.ErrInvalid, "policy.group-id")
		}
		if err == nil && names[strings.ToLower(g.Name)] {
			err = portal.Fail(portal.ErrInvalid, "policy.group-twice").With("name", g.Name)
		}
		if err != nil {
			return nil, nil, at(err, "groups[%d]", i)
		}
		from := g.ID
		if _, known := old[g.ID]; !known { // the same group under another id, on another portal
			for _, o := range now.groups {
				if strings.EqualFold(o.Name, g.Name) && !used[o.ID] {
					g.ID, used[o.ID] = o.ID, true
				}
			}
		}
		ids[from], names[strings.ToLower(g.Name)] = g.ID, true
		groups = append(groups, g)
		line := portal.PolicyChange{At: when, By: by, What: whatGroup, Name: g.Name, After: describe(g),
			Scope: portal.PolicyScope{Kind: portal.ScopeGroup, Who: g.ID}}
		o, known := old[g.ID]
		if known {
			line.Before = describe(o)
			delete(old, g.ID)
		}
		if !known || !equalGroups(o, g) {
			p.c.PutGroups, p.lines = append(p.c.PutGroups, g), append(p.lines, line)
		}
	}
	for _, g := range now.groups {
		if _, left := old[g.ID]; left {
			p.c.DropGroups = append(p.c.DropGroups, g.ID)
			p.lines = append(p.lines, droppedGroup(now, g, by, when)...)
		}
	}
	return groups, ids, nil
}

// rules plans the rules. Those of groups that go have been planned with the groups.
func (p *plan) rules(now *snapshot, doc Document, groups []portal.PolicyGroup, ids map[string]string, by portal.Address, when time.Time) error {
	if doc.Rules == nil {
		return nil
	}
	if len(*doc.Rules) > maxRules {
		return portal.Fail(portal.ErrTooMany, "policy.many-rules").With("max", strconv.Itoa(maxRules))
	}
	old, seen := map[DocumentRule]portal.PolicyRule{}, map[DocumentRule]bool{}
	for _, r := range now.rules {
		if r.Scope.Kind != portal.ScopeGroup || !slices.Contains(p.c.DropGroups, r.Scope.Who) {
			old[DocumentRule{Name: r.Name, Scope: r.Scope}] = r
		}
	}
	known := map[string]bool{}
	for _, g := range groups {
		known[g.ID] = true
	}
	for i, raw := range *doc.Rules {
		r := portal.PolicyRule{Name: raw.Name, Scope: raw.Scope, Value: raw.Value, By: by, At: when}
		if id, ok := ids[r.Scope.Who]; ok && r.Scope.Kind == portal.ScopeGroup {
			r.Scope.Who = id
		}
		r, err := checkRule(r, known)
		key := DocumentRule{Name: r.Name, Scope: r.Scope}
		if err == nil && seen[key] {
			err = portal.Fail(portal.ErrInvalid, "policy.rule-twice").With("name", r.Name)
		}
		if err != nil {
			return at(err, "rules[%d]", i)
		}
		seen[key] = true
		before := old[key].Value
		delete(old, key)
		if before != r.Value {
			p.c.Put = append(p.c.Put, r)
			p.lines = append(p.lines, portal.PolicyChange{At: when, By: by, What: whatRule, Name: r.Name, Scope: r.Scope, Before: before, After: r.Value})
		}
	}
	left := slices.SortedFunc(maps.Values(old), func(a, b portal.PolicyRule) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Scope.Kind, b.Scope.Kind), cmp.Compare(a.Scope.Who, b.Scope.Who))
	})
	for _, r := range left {
		p.c.Drop = append(p.c.Drop, r)
		p.lines = append(p.lines, dropped(r, by, when))
	}
	return nil
}

func (p *plan) customStates(now *snapshot, doc Document, by portal.Address, when time.Time) error {
	if doc.CustomStates == nil {
		return nil
	}
	before, there := now.sets[""]
	line := portal.PolicyChange{At: when, By: by, What: whatStates, Before: describeStates(before.States)}
	if strings.TrimSpace(*doc.CustomStates) == "" {
		if there {
			p.noStates = true
			p.lines = append(p.lines, line)
		}
		return nil
	}
	xml := []byte(*doc.CustomStates)
	states, err := policy.ParseCustomStates(xml)
	if err != nil {
		return at(err, "custom_states")
	}
	if !there || !slices.Equal(before.States, states) {
		p.states = &portal.CustomStates{States: states, XML: xml, At: when, By: by}
		line.After = describeStates(states)
		p.lines = append(p.lines, line)
	}
	return nil
}

func (p *plan) origins(now *snapshot, doc Document, by portal.Address, when time.Time) error {
	if doc.Origins == nil {
		return nil
	}
	if len(*doc.Origins) > maxOrigins {
		return portal.Fail(portal.ErrTooMany, "policy.many-origins").With("max", strconv.Itoa(maxOrigins))
	}
	wanted := map[string]bool{}
	for i, raw := range *doc.Origins {
		origin, err := CanonicalOrigin(raw)
		if err != nil {
			return at(err, "origins[%d]", i)
		}
		if _, there := now.origins[origin]; !there && !wanted[origin] {
			p.allow = append(p.allow, portal.Origin{Origin: origin, By: by, At: when})
			p.lines = append(p.lines, portal.PolicyChange{At: when, By: by, What: whatOrigin, Name: origin, After: origin})
		}
		wanted[origin] = true
	}
	for _, origin := range slices.Sorted(maps.Keys(now.origins)) {
		if !wanted[origin] {
			p.refuse = append(p.refuse, origin)
			p.lines = append(p.lines, portal.PolicyChange{At: when, By: by, What: whatOrigin, Name: origin, Before: origin})
		}
	}
	return nil
}

// carryOut stores what was planned, and gives what holds then; where it stops half-way, what was stored holds.
func (s *Service) carryOut(ctx context.Context, now *snapshot, p plan, by portal.Address) (*snapshot, error) {
	count := portal.PolicyChange{At: s.o.Now().UTC(), By: by, What: whatImport, After: strconv.Itoa(len(p.lines))}
	p.c.Record = append(p.c.Record, count)
	if err := s.store.ChangePolicies(ctx, p.c); err != nil {
		return nil, err
	}
	next := now.with(p.c)
	failed := func(err error) (*snapshot, error) {
		s.hold(next)
		return nil, err
	}
	line := func(what, name string) []portal.PolicyChange {
		i := slices.IndexFunc(p.lines, func(l portal.PolicyChange) bool { return l.What == what && l.Name == name })
		return p.lines[i : i+1]
	}
	switch {
	case p.states != nil:
		if err := s.store.SaveCustomStates(ctx, *p.states, line(whatStates, "")); err != nil {
			return failed(err)
		}
		next = next.withSet("", p.states)
	case p.noStates:
		if err := s.store.DropCustomStates(ctx, "", line(whatStates, "")); err != nil {
			return failed(err)
		}
		next = next.withSet("", nil)
	}
	for _, o := range p.allow {
		if err := s.store.PutOrigin(ctx, o, line(whatOrigin, o.Origin)); err != nil {
			return failed(err)
		}
		next = next.withOrigin(o.Origin, &o)
	}
	for _, origin := range p.refuse {
		if err := s.store.DropOrigin(ctx, origin, line(whatOrigin, origin)); err != nil {
			return failed(err)
		}
		next = next.withOrigin(origin, nil)
	}
	return next, nil
}
