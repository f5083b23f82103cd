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

// Memory keeps what people say of themselves by hand over restarts.
type Memory interface {
	Manual(ctx context.Context, who portal.Address) (m portal.Manual, set bool, err error)
	// SaveManual keeps m; nil deletes.
	SaveManual(ctx context.Context, who portal.Address, m *portal.Manual) error
	// Note is the person's note, whether or not its end has passed; the zero note where there is none.
	Note(ctx context.Context, who portal.Address) (portal.PersonalNote, error)
	// SaveNote keeps a note; one without a text deletes it.
	SaveNote(ctx context.Context, who portal.Address, note portal.PersonalNote) error
	// Whereabouts is where the person says they are; the zero value where they never said. SaveWhereabouts keeps it.
	Whereabouts(ctx context.Context, who portal.Address) (portal.Whereabouts, error)
	SaveWhereabouts(ctx context.Context, who portal.Address, w portal.Whereabouts) error
}
