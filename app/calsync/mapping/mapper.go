package mapping

import (
	"portico/app/portal"
)

// Compile makes rules ready for use. The error names the first fault that Validate finds and wraps portal.ErrInvalid.
func (rs Rules) Compile() (*Mapper, error) {
	return &Mapper{}, nil
}

// Apply carries out the rules of a direction.
func (m *Mapper) Apply(d portal.Direction, it Item) Outcome {
	return Outcome{Item: it}
}

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

// Validate gives all faults of a rule set.
func (rs Rules) Validate() []Fault { return nil }

// Shown is a preview: an appointment before and after the rules of a direction.
type Shown struct {
	Before, After Item
	LeftOut       bool
	Trace         []Done
}

// Preview shows what rules would do to an appointment. The error wraps portal.ErrInvalid.
func Preview(rs Rules, d portal.Direction, it Item) (Shown, error) {
	m, err := rs.Compile()
	if err != nil {
		return Shown{}, err
	}
	o := m.Apply(d, it)
	return Shown{Before: it, After: o.Item, LeftOut: o.LeftOut, Trace: o.Trace}, nil
}
