package ewslab

import (
	"net/http/httptest"
	"testing"
	"time"

	"portico/app/ews/ewstest"
)

// startLab serves a lab with the example people until the test ends; what it answers is held against the schema.
func startLab(t *testing.T) ewstest.Endpoint {
	t.Helper()
	// A clock that runs, from a day that is always the same.
	began := time.Now()
	now := func() time.Time { return time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC).Add(time.Since(began)) }
	cfg := Config{People: ExamplePeople(), Service: &Account{Username: "svc", Password: "secret"}, Seed: true, Now: now}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(ewstest.Record(t, ewstest.Answers).Handler(s.Handler()))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		h.CloseClientConnections()
		h.Close()
	})
	return ewstest.Endpoint{URL: h.URL + Path, Service: "svc", Secret: "secret"}
}

// Everything that users of exchangelib do with calendars.
func TestExchangelib(t *testing.T) {
	ewstest.Exchangelib(t, startLab(t), ewstest.ExchangelibOptions{})
}

// Calendar, inbox and address book by way of DavMail.
func TestDavMail(t *testing.T) {
	ewstest.DavMailRound(t, startLab(t))
}
