package web

import (
	"context"
	"errors"
	"io"
	"time"

	"portico/app/diagnosis"
	"portico/app/policy"
	"portico/app/portal"
)

// Policies is what administrators decide: rules, groups, custom states and the origins of presence buttons. by is the
// administrator; every change is in the record.
type Policies interface {
	Rules(ctx context.Context) ([]portal.PolicyRule, error)
	SetRule(ctx context.Context, by portal.Address, rule portal.PolicyRule) error
	// DropRule lets a policy be unsaid for a scope; the rule's name and scope count.
	DropRule(ctx context.Context, by portal.Address, rule portal.PolicyRule) error
	// Groups are by rank, then name. PutGroup makes one where ID is empty.
	Groups(ctx context.Context) ([]portal.PolicyGroup, error)
	PutGroup(ctx context.Context, by portal.Address, g portal.PolicyGroup) (portal.PolicyGroup, error)
	DropGroup(ctx context.Context, by portal.Address, id string) error
	// Effective is what holds for somebody, each policy once; of nobody ("") what holds for those of whom nothing else is said.
	Effective(ctx context.Context, who portal.Address) ([]portal.Decision, error)
	// Changes are lines of the record before a number (0: from the newest), newest first.
	Changes(ctx context.Context, before int64, limit int) ([]portal.PolicyChange, error)
	// Export is all of it as a file; Import makes it what a file says, or with dry only tells what would change.
	Export(ctx context.Context) ([]byte, error)
	Import(ctx context.Context, by portal.Address, file []byte, dry bool) ([]portal.PolicyChange, error)
	CustomStates(ctx context.Context) ([]portal.CustomStates, error)
	// Failure is why the file at an address could not be read the last time; nil: it could. RefreshStates reads it now.
	Failure(address string) error
	RefreshStates(ctx context.Context, address string) error
	// UploadCustomStates makes a file the set of all whose policy names no address; DropCustomStates forgets it.
	UploadCustomStates(ctx context.Context, by portal.Address, file []byte) error
	DropCustomStates(ctx context.Context, by portal.Address) error
	Origins(ctx context.Context) ([]portal.Origin, error)
	AllowOrigin(ctx context.Context, by portal.Address, origin string) error
	RefuseOrigin(ctx context.Context, by portal.Address, origin string) error
}

// Diagnosis is people's logs of problems and the traces of their own traffic.
type Diagnosis interface {
	// Incidents are lines of somebody's log before a number (0: from the newest), newest first; of "" everybody's.
	Incidents(ctx context.Context, who portal.Address, before int64, limit int) ([]portal.Incident, error)
	// StartTrace collects somebody's own traffic for a while; what was collected before goes. StopTrace ends that, and what
	// was collected can be read for a while; ForgetTrace drops it.
	StartTrace(who portal.Address, lasting time.Duration) (diagnosis.TraceState, error)
	StopTrace(who portal.Address) diagnosis.TraceState
	ForgetTrace(who portal.Address)
	Traced(who portal.Address) diagnosis.TraceState
	// Lines are what was collected, oldest first.
	Lines(who portal.Address) []portal.Traffic
	WriteTrace(who portal.Address, w io.Writer) error
}

// Books is the state of the address books.
type Books interface {
	States() []portal.BookState
	// RefreshNow reads every book at once; the error names those that failed.
	RefreshNow(ctx context.Context) error
}

// Facts is what the house knows of somebody's connections.
type Facts struct {
	// Version is the portal's own.
	Version string `json:"version"`
	// Line is nil where the person has no line.
	Line     *portal.LineFacts      `json:"line,omitempty"`
	Exchange []portal.ExchangeFacts `json:"exchange"`
	Contacts portal.ContactsFacts   `json:"contacts"`
}

// meOf is somebody as the API tells it, with the policies in force for them: by name, switches as truth values, the rest
// in their written form. Until the policies have been read there are none.
func (s *Server) meOf(ctx context.Context, who portal.Address) (portal.Me, error) {
	me, err := s.Account.Me(ctx, who)
	if err != nil || s.Policies == nil {
		return me, err
	}
	decided, err := s.Policies.Effective(ctx, who)
	if errors.Is(err, portal.ErrUnavailable) {
		return me, nil
	}
	if err != nil {
		return me, err
	}
	me.Policies = make(map[string]any, len(decided))
	for _, d := range decided {
		me.Policies[d.Name] = effectiveValue(d)
	}
	return me, nil
}

// effectiveValue is a policy's value for programs.
func effectiveValue(d portal.Decision) any {
	if def, ok := policy.Defined(d.Name); ok && def.Kind == policy.KindSwitch {
		return d.Value == policy.On
	}
	return d.Value
}
