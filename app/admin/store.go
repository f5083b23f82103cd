package admin

// What the room asks of storage and of the outside.

import (
	"context"

	"portico/app/portal"
)

// Store keeps decisions of administrators. Each call is one transaction, with the lines of the record in it.
type Store interface {
	PolicyRules(ctx context.Context) ([]portal.PolicyRule, error)
	// PolicyGroups are by rank, then name.
	PolicyGroups(ctx context.Context) ([]portal.PolicyGroup, error)
	// ChangePolicies drops rules (by name and scope), then puts others, then replaces groups (those with the ids of
	// dropGroups go, with the rules set for them), and writes the record.
	ChangePolicies(ctx context.Context, c Changes) error
	// PolicyChanges are the lines of the record before a number (0: from the newest), newest first.
	PolicyChanges(ctx context.Context, before int64, limit int) ([]portal.PolicyChange, error)
	// CustomStates are all sets that were loaded: the uploaded one has an empty Source, the others their address.
	CustomStates(ctx context.Context) ([]portal.CustomStates, error)
	// SaveCustomStates replaces the set of the same Source, with a line of the record where there is one.
	SaveCustomStates(ctx context.Context, set portal.CustomStates, record []portal.PolicyChange) error
	// DropCustomStates forgets the set of a source.
	DropCustomStates(ctx context.Context, source string, record []portal.PolicyChange) error
	Origins(ctx context.Context) ([]portal.Origin, error)
	PutOrigin(ctx context.Context, o portal.Origin, record []portal.PolicyChange) error
	DropOrigin(ctx context.Context, origin string, record []portal.PolicyChange) error
}

// Changes is one change of the policies, whole or not at all.
type Changes = portal.PoliciesChange
