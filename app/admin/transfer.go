package admin

// Taking what was decided from one portal to another, or back from a backup: one JSON document, and first a look at what
// it would change.

import (
	"bytes"
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
