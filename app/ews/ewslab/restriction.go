package ewslab

// Restrictions: the conditions of FindItem and FindFolder.

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// values is what a condition looks at.
type values interface {
	// value answers the texts of a property; none when it is not set.
	value(p path) ([]string, error)
}

// condition is a read restriction. A nil one is always met.
type condition struct {
	op    string
	parts []*condition // of And, Or, Not
	path  path
	other *path  // compared with another property
	value string // compared with a constant
	zone  *time.Location
	mode  string // of Contains
	exact bool   // of Contains: with regard to case
	mask  int64  // of Excludes
}

// parseRestriction reads m:Restriction; nil without one.
func parseRestriction(c *call, n *node) (*condition, error) {
	if n == nil {
		return nil, nil
	}
	if len(n.Kids) != 1 {
		return nil, invalid("the element 'Restriction' has incomplete content.")
	}
	return parseCondition(c, n.Kids[0])
}

func parseCondition(c *call, n *node) (*condition, error) {
	r := &condition{op: n.Name, zone: c.zone}
	switch n.Name {
	case "And", "Or", "Not":
		for _, k := range n.Kids {
			p, err := parseCondition(c, k)
			if err != nil {
				return nil, err
			}
			r.parts = append(r.parts, p)
		}
		if len(r.parts) == 0 || n.Name == "Not" && len(r.parts) != 1 || n.Name != "Not" && len(r.parts) < 2 {
			return nil, invalid("the element '%s' has incomplete content.", n.Name)
		}
		return r, nil
	}
	var err error
	if r.path, err = pathIn(n); err != nil {
		return nil, err
	}
	return r, r.readOperand(n)
}

func (r *condition) readOperand(n *node) error {
	switch n.Name {
	case "Exists":
		return nil
	case "Contains":
		r.mode, r.value = or(n.attr("ContainmentMode"), "FullString"), n.kid("Constant").attr("Value")
		r.exact = n.attr("ContainmentComparison") == "Exact" || n.attr("ContainmentComparison") == ""
		if n.kid("Constant") == nil {
			return invalid("the element 'Contains' has incomplete content.")
		}
		return nil
	case "Excludes":
		var err error
		if r.mask, err = strconv.ParseInt(n.kid("Bitmask").attr("Value"), 0, 64); err != nil {
			return invalid("the 'Value' attribute of 'Bitmask' is invalid.")
		}
		return nil
	case "IsEqualTo", "IsNotEqualTo", "IsGreaterThan", "IsGreaterThanOrEqualTo", "IsLessThan", "IsLessThanOrEqualTo":
		operand := n.kid("FieldURIOrConstant")
		if operand == nil || len(operand.Kids) != 1 {
			return invalid("the element '%s' has incomplete content.", n.Name)
		}
		if k := operand.Kids[0]; k.Name != "Constant" {
			p, err := parsePath(k)
			r.other = &p
			return err
		}
		r.value = operand.Kids[0].attr("Value")
		return nil
	}
	return invalid("the element '%s' is no search expression.", n.Name)
}

// text is one that is in the stored properties of everything that meets the condition; "" where that cannot be said.
func (r *condition) text() string {
	switch {
	case r == nil:
	case r.op == "And":
		for _, p := range r.parts {
			if s := p.text(); s != "" {
				return s
			}
		}
	case r.op == "IsEqualTo" && r.other == nil && r.path.Ext.Type == "String" && !r.path.Ext.mirrored() && onlyText(r.value):
		return r.value
	}
	return ""
}

// onlyText says whether a value equals nothing but itself, whatever its case.
func onlyText(s string) bool {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return false
	}
	_, isTime := instant(s, time.UTC)
	return !isTime && s != "true" && s != "false"
}

// matches says whether a thing meets the condition.
func (r *condition) matches(v values) (bool, error) {
	if r == nil {
		return true, nil
	}
	switch r.op {
	case "And", "Or":
		for _, p := range r.parts {
			ok, err := p.matches(v)
			if err != nil || ok == (r.op == "Or") {
				return ok, err
			}
		}
		return r.op == "And", nil
	case "Not":
		ok, err := r.parts[0].matches(v)
		return !ok, err
	}
	have, err := v.value(r.path)
	if err != nil {
		return false, err
	}
	if r.other != nil {
		theirs, err := v.value(*r.other)
		if err != nil || len(theirs) == 0 {
			return false, err
		}
		return r.test(have, theirs[0]), nil
	}
	return r.test(have, r.value), nil
}

// test holds the property's values against the operand.
func (r *condition) test(have []string, operand string) bool {
	switch r.op {
	case "Exists":
		return len(have) > 0
	case "Excludes":
		if len(have) == 0 {
			return true
		}
		n, err := strconv.ParseInt(have[0], 10, 64)
		return err == nil && n&r.mask == 0
	case "Contains":
		for _, h := range have {
			if contains(h, operand, r.mode, r.exact) {
				return true
			}
		}
		return false
	case "IsNotEqualTo":
		for _, h := range have {
			if compare(h, operand, r.zone) == 0 {
				return false
			}
		}
		return true
	}
	for _, h := range have {
		o := compare(h, operand, r.zone)
		if r.op == "IsEqualTo" && o == 0 || r.op == "IsGreaterThan" && o > 0 || r.op == "IsGreaterThanOrEqualTo" && o >= 0 ||
			r.op == "IsLessThan" && o < 0 || r.op == "IsLessThanOrEqualTo" && o <= 0 {
			return true
		}
	}
	return false
}

func contains(have, want, mode string, exact bool) bool {
	if !exact {
		have, want = strings.ToLower(have), strings.ToLower(want)
	}
	switch mode {
	case "FullString":
		return have == want
	case "Prefixed":
		return strings.HasPrefix(have, want)
	case "PrefixOnWords":
		for _, w := range strings.FieldsFunc(have, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if strings.HasPrefix(w, want) {
				return true
			}
		}
		return false
	case "ExactPhrase":
		return strings.Contains(" "+strings.Join(strings.Fields(have), " ")+" ", " "+want+" ")
	}
	return strings.Contains(have, want)
}

// compare orders two values: as instants, numbers or truth values when both are, else as text without regard to case.
func compare(a, b string, zone *time.Location) int {
	if at, err := time.Parse(time.RFC3339Nano, a); err == nil {
		if bt, ok := instant(b, zone); ok {
			return at.Compare(bt)
		}
	}
	if an, err := strconv.ParseFloat(a, 64); err == nil {
		if bn, err := strconv.ParseFloat(b, 64); err == nil {
			switch {
			case an < bn:
				return -1
			case an > bn:
				return 1
			}
			return 0
		}
	}
	if (a == "true" || a == "false") && (b == "true" || b == "false" || b == "1" || b == "0") {
		return strings.Compare(a, boolText(isTrue(b)))
	}
	return strings.Compare(strings.ToLower(a), strings.ToLower(b))
}

// folderValues is a folder for conditions.
type folderValues struct {
	c *call
	x *tx
	f *folder
}

func (v folderValues) value(p path) ([]string, error) {
	if p.Ext.Type != "" {
		return texts(v.c.folderExtended(v.f, folderShape{ext: []path{p}})), nil
	}
	n, err := v.c.folderProperty(v.x, v.f, p.Field, folderElement(v.f.Class))
	return texts(one(n)), err
}

// itemValues is an item for conditions and sorting.
type itemValues struct {
	r *renderer
	i *item
}

func (v itemValues) value(p path) ([]string, error) {
	switch {
	case p.Ext.Type != "":
		return binaryAsText(p, texts(one(v.i.extendedValue(p)))), nil
	case p.Key != "":
		e := v.i.Props.indexed(p)
		if p.Part != "" {
			e = e.kid(p.Part)
		}
		return texts(one(e)), nil
	case p.Field == "MimeContent" || p.Field == "Attachments":
		return nil, nil
	case p.Field == "ItemId":
		return []string{v.i.id()}, nil
	case p.Field == "ParentFolderId":
		return []string{id{Kind: kindFolder, Mailbox: v.i.Mailbox, Row: v.i.Folder}.String()}, nil
	}
	nodes, err := v.r.property(v.i, p.Field)
	return texts(nodes), err
}

// binaryAsText makes binary values comparable however they were padded.
func binaryAsText(p path, in []string) []string {
	if p.Ext.Type != "Binary" {
		return in
	}
	for i, s := range in {
		if raw, err := base64.StdEncoding.DecodeString(s); err == nil {
			in[i] = base64.StdEncoding.EncodeToString(raw)
		}
	}
	return in
}

// texts are the texts of elements and all below them.
func texts(nodes []*node) []string {
	var out []string
	for _, n := range nodes {
		if n == nil || n.Name == "ExtendedFieldURI" {
			continue
		}
		if len(n.Kids) == 0 {
			if n.Text != "" {
				out = append(out, n.Text)
			}
			continue
		}
		out = append(out, texts(n.Kids)...)
	}
	return out
}
