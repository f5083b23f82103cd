// Package presence is the board: what each person may know of whom now, and what the portal itself says
// of its people, out of their activity in all of their browsers and what they set by hand.
package presence

import (
	"context"

	"portico/app/portal"
)

// Line tells the SIP server and asks it. None of these wait for the network.
type Line interface {
	// Publish says c in who's name until the next word; the line keeps it alive.
	Publish(who portal.Address, c portal.Claim)
	// Unpublish takes the word back: nobody is there.
	Unpublish(who portal.Address)
	// Watch is the whole set of people that who wants to know of now, themselves included.
	Watch(who portal.Address, whom []portal.Address)
}

// Memory keeps what people set by hand over restarts.
type Memory interface {
	Manual(ctx context.Context, who portal.Address) (m portal.Manual, set bool, err error)
	// SaveManual keeps m; nil deletes.
	SaveManual(ctx context.Context, who portal.Address, m *portal.Manual) error
	Note(ctx context.Context, who portal.Address) (string, error)
	SaveNote(ctx context.Context, who portal.Address, note string) error
}
