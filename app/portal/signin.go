package portal

import "time"

// Signin is one browser or program that a person is signed in with.
type Signin struct {
	// Key is the SHA-256 of the session's token in hexadecimal; the token itself is stored nowhere.
	Key                  string
	Person               Address
	CreatedAt, ExpiresAt time.Time
	// Agent is what the browser called itself, Remote the address it came from.
	Agent, Remote string
}
