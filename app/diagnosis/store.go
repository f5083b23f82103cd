package diagnosis

// What the room asks of storage.

import (
	"context"
	"time"

	"portico/app/portal"
)

// Store keeps the logs of problems.
type Store interface {
	// AddIncident adds a line. Where the person's newest line of the same part says the same (Good, Cause, Detail), that
	// line gets the new time and counts one more instead.
	AddIncident(ctx context.Context, i portal.Incident) error
	// Incidents are a person's lines before a number (0: from the newest), newest first. who "" is everybody's.
	Incidents(ctx context.Context, who portal.Address, before int64, limit int) ([]portal.Incident, error)
	// DropIncidents forgets lines older than a time, and of each person those beyond the newest most.
	DropIncidents(ctx context.Context, before time.Time, most int) error
}
