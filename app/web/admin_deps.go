package web

import (
	"context"
	"io"
	"time"

	"portico/app/portal"
)

// Policies is what administrators decide: rules, groups, custom states and the origins of presence buttons. by is the
// administrator; every change is in the record.
type Policies interface {
	Rules(ctx context.Context) ([]portal.PolicyRule, error)
	SetRule(ctx context.Context, by portal.Address, rule portal.PolicyRule) error
	DropRule(ctx context.Context, by portal.Address, name string, scope portal.PolicyScope) error
	// Groups are by rank, then name. PutGroup makes one where ID is empty.
	Groups(ctx context.Context) ([]portal.PolicyGroup, error)
	PutGroup(ctx context.Context, by portal.Address, g portal.PolicyGroup) (portal.PolicyGroup, error)
	DropGroup(ctx context.Context, by portal.Address, id string) error
	// Effective is what holds for somebody, each policy once; of nobody ("") what holds for those of whom nothing else is said.
	Effective(ctx context.Context, who portal.Address) ([]portal.Decision, error)
	// Changes are lines of the record before a number (0: from the newest), newest first.
	Changes(ctx context.Context, before int64, limit int) ([]portal.PolicyChange, error)
	// Export is all of it as a file; Import replaces it with a file's, or with dry only says what would change.
	Export(ctx context.Context) ([]byte, error)
	Import(ctx context.Context, by portal.Address, file []byte, dry bool) ([]portal.PolicyChange, error)
	CustomStates(ctx context.Context) ([]portal.CustomStates, error)
	UploadCustomStates(ctx context.Context, by portal.Address, file []byte) (portal.CustomStates, error)
	// DropCustomStates forgets the uploaded set.
	DropCustomStates(ctx context.Context, by portal.Address) error
	Origins(ctx context.Context) ([]portal.Origin, error)
	AllowOrigin(ctx context.Context, by portal.Address, origin string) error
	RefuseOrigin(ctx context.Context, by portal.Address, origin string) error
}

// Diagnosis is people's logs of problems and the traces of their own traffic.
type Diagnosis interface {
	// Incidents are lines of somebody's log before a number (0: from the newest), newest first; of "" everybody's.
	Incidents(ctx context.Context, who portal.Address, before int64, limit int) ([]portal.Incident, error)
	// StartTrace switches the trace of somebody's own traffic on for a while and gives when it ends.
	StartTrace(who portal.Address, lasting time.Duration) (until time.Time, err error)
	StopTrace(who portal.Address)
	// Traced is what was caught, oldest first; until is zero where the trace is off.
	Traced(who portal.Address) (caught []portal.Traffic, until time.Time)
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
