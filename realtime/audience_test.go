package realtime

import (
	"fmt"
	"testing"

	"portico/app/portal"
)

// TestAudienceOfThePageReadLast: it is remembered when the page is closed, within bounds; programs read in no language.
func TestAudienceOfThePageReadLast(t *testing.T) {
	h := NewHub(Options{})
	h.remember(alice, Audience{Encoding: HTML, Locale: "de-AT", Zone: "Europe/Vienna"})
	h.remember(alice, Audience{Encoding: JSON, Locale: "en"})
	if got := h.Audience(alice); got != (Audience{Encoding: HTML, Locale: "de-AT", Zone: "Europe/Vienna"}) {
		t.Errorf("%+v", got)
	}
	if got := h.Audience(bob); got != (Audience{}) {
		t.Errorf("of nobody: %+v", got)
	}
	for i := range maxRead + 10 {
		h.remember(portal.Address(fmt.Sprintf("sip:p%d@example.test", i)), Audience{Encoding: HTML})
	}
	if len(h.read) != maxRead {
		t.Errorf("%d are remembered", len(h.read))
	}
}
