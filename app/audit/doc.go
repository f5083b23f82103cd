// Package audit keeps the audit trail: who signed in and who was refused, what administrators changed, read and took away.
//
// Every line reaches the operator's log the moment it happens (whoever notes a line writes it there), and is stored right
// after. While storage is away, lines wait in a bounded queue in their order. One that finds no room, or that a closing
// portal could not store, is written whole to the operator's log as an error, and the trail itself gets a line of the kind
// [portal.AuditGap] that says how many are missing as soon as storage is back: nothing is lost silently.
package audit

import (
	"context"
	"time"

	"portico/app/portal"
)

// Store keeps the trail.
type Store interface {
	// AddAudited adds lines in their order, all or none.
	AddAudited(ctx context.Context, lines ...portal.Audited) error
	// Audited are lines of the trail, the newest first.
	Audited(ctx context.Context, q portal.AuditQuery) ([]portal.Audited, error)
	// DropAudited forgets lines older than a time, and those of the records of policies and of the archive with them.
	DropAudited(ctx context.Context, before time.Time) error
}
