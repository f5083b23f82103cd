package ewslab

import (
	"net/http/httptest"
	"testing"

	"portico/app/ews/ewstest"
)

// startLab serves a lab with the example people until the test ends; what it answers is held against the schema.
func startLab(t *testing.T, change func(*Config)) (*Server, ewstest.Endpoint) {
	t.Helper()
	cfg := Config{People: ExamplePeople(), Service: &Account{Username: "svc", Password: "secret"}, Seed: true}
	if change != nil {
		change(&cfg)
	}
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
	return s, ewstest.Endpoint{URL: h.URL + Path, Service: "svc", Secret: "secret"}
}

// Everything that users of exchangelib do with calendars.
func TestExchangelib(t *testing.T) {
	_, e := startLab(t, nil)
	ewstest.Exchangelib(t, e, ewstest.ExchangelibOptions{})
}

// Calendar, inbox and address book by way of DavMail.
func TestDavMail(t *testing.T) {
	_, e := startLab(t, nil)
	ewstest.DavMailRound(t, e)
}
