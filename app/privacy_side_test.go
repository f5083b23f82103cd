package main

import (
	"testing"

	"portico/app/portal"
)

// What was chosen before can be chosen again, although it is away.
func TestPlacesThatCanBeChosen(t *testing.T) {
	there := []portal.Place{{Provider: "portal"}, {Provider: "Linphone"}}
	for provider, want := range map[string]bool{"": true, "Linphone": true, "baresip": true, "nobody": false} {
		if got := choosable(provider, "baresip", there); got != want {
			t.Errorf("%q: %v", provider, got)
		}
	}
}
