package hook

import (
	"context"
	"time"

	"portico/app/portal"
)

// Store keeps the endpoints and what is on its way to them. Each call is one transaction; what is not there is ErrNotFound.
type Store interface {
	HookEndpoints(ctx context.Context) ([]portal.HookEndpoint, error)
	HookEndpoint(ctx context.Context, id string) (portal.HookEndpoint, error)
	// SaveHookEndpoint stores by Version (0: new) as the CRM's records are; a stale one is ErrConflict. The Cursor of one that
	// is there already stays as it is.
	SaveHookEndpoint(ctx context.Context, e portal.HookEndpoint) (portal.HookEndpoint, error)
	// DeleteHookEndpoint forgets an endpoint with its deliveries.
	DeleteHookEndpoint(ctx context.Context, id string) error
	// TakeHookChanges adds deliveries and moves the endpoint's cursor; a cursor that is there already or further on is no error
	// and adds nothing.
	TakeHookChanges(ctx context.Context, endpoint string, cursor int64, list []portal.HookDelivery) error
	// DueHookDeliveries gives up to limit waiting deliveries that are due and of which none of the same Endpoint and Key is
	// waiting before them, by Seq. Those of endpoints that are not active are left out.
	DueHookDeliveries(ctx context.Context, now time.Time, limit int) ([]portal.HookDelivery, error)
	// NextHookDelivery is when the next waiting delivery is due; zero: none waits.
	NextHookDelivery(ctx context.Context) (time.Time, error)
	SaveHookDelivery(ctx context.Context, d portal.HookDelivery) error
	HookDelivery(ctx context.Context, seq int64) (portal.HookDelivery, error)
	// HookDeliveries lists an endpoint's deliveries, those in a state where that is not empty, with a Seq below before where
	// that is not zero, the newest first.
	HookDeliveries(ctx context.Context, endpoint, state string, before int64, limit int) ([]portal.HookDelivery, error)
	// PruneHookDeliveries forgets what was delivered or given up before a time.
	PruneHookDeliveries(ctx context.Context, before time.Time) error
}
