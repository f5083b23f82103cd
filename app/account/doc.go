// Package account signs people in and out: it has the SIP server or a directory check who they are, keeps their line
// while any of their sessions lives (over restarts too, sealed on disk), slows guessers down, and holds
// what people choose for themselves.
package account

import (
	"context"
	"time"

	"portico/app/portal"
)

// Lines are the people's registrations at the SIP server.
type Lines interface {
	// SignIn checks the password with a real REGISTER, also when the person has a line already, and
	// starts the line's life. It returns what is needed to stay registered. Errors: ErrUnauthenticated
	// (wrong), ErrForbidden, ErrUnavailable; after an error an existing line goes on as it was.
	SignIn(ctx context.Context, who portal.Address, password string) (secret []byte, err error)
	// Resume takes a line up again after a restart, in the background and paced.
	Resume(who portal.Address, secret []byte)
	// SignOut takes the line down: unpublished, unsubscribed, unregistered.
	SignOut(ctx context.Context, who portal.Address) error
}

// Vault keeps sign-ins, sealed lines and settings. An error that means ErrNotFound: no such thing.
type Vault interface {
	SaveSignin(ctx context.Context, in portal.Signin) error
	DeleteSignin(ctx context.Context, key string) error
	Signins(ctx context.Context, who portal.Address) ([]portal.Signin, error)
	ExpiredSignins(ctx context.Context, now time.Time) ([]portal.Signin, error)
	SignedInPeople(ctx context.Context) ([]portal.Address, error)
	SaveLine(ctx context.Context, who portal.Address, sealed []byte) error
	Line(ctx context.Context, who portal.Address) ([]byte, error)
	DeleteLine(ctx context.Context, who portal.Address) error
	Settings(ctx context.Context, who portal.Address) (set portal.Settings, saved bool, err error)
	SaveSettings(ctx context.Context, who portal.Address, set portal.Settings) error
}

// Why a session ended, as OnEnded tells it.
const (
	ReasonSignedOut  = "signed-out"
	ReasonEverywhere = "signed-out-everywhere"
	ReasonElsewhere  = "signed-out-elsewhere"
	ReasonExpired    = "expired"
	ReasonIdle       = "idle"
	ReasonLineLost   = "line-lost"
)
