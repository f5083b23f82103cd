package config

import "testing"

func TestHeaderMatch(t *testing.T) {
	for _, good := range []string{"X-Session-Type", "X-Session-Type: ica", "x_thin:1"} {
		if err := headerMatch(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{": ica", "X Session", "X-Session:", "X-Session: ", "X\r\nY: 1", "Größe"} {
		if headerMatch(bad) == nil {
			t.Errorf("%q passes", bad)
		}
	}
}
