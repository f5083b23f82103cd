package main

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"portico/app/ews"
	"portico/app/ews/ewslab"
	"portico/app/portal"
)

// labServer is a lab Exchange that runs until the test ends.
func labServer(t *testing.T, users ...string) *ewslab.Server {
	t.Helper()
	var people []ewslab.Person
	for _, u := range users {
		people = append(people, ewslab.Person{User: u, Name: u, Password: labPassword, TimeZone: labZone, Locale: "en-GB"})
	}
	s, err := ewslab.New(ewslab.Config{Listen: "127.0.0.1:0", Domain: "example.test", People: people,
		Service: &ewslab.Account{Username: labService, Password: labPassword}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// doorEars is a listener whose news come out of channels.
type doorEars struct{ reached, rang chan portal.Address }

func (e doorEars) Rang(m portal.Address)      { e.rang <- m }
func (e doorEars) Reached(m portal.Address)   { e.reached <- m }
func (e doorEars) Lost(portal.Address, error) {}

func (e doorEars) wait(t *testing.T, c chan portal.Address, what string, want portal.Address) {
	t.Helper()
	select {
	case got := <-c:
		if got != want {
			t.Fatalf("%s of %s, expected %s", what, got, want)
		}
	case <-time.After(longest):
		t.Fatalf("no %s of %s", what, want)
	}
}

func TestServersAreExchangedWhileEverybodyGoesOn(t *testing.T) {
	one, two := labServer(t, "alice"), labServer(t, "alice", "bob")
	options := func(s *ewslab.Server) ews.Options {
		return ews.Options{Domain: "example.test", Logger: slog.New(slog.DiscardHandler),
			Servers: []ews.Server{{Name: "primary", URL: s.URL(), Auth: "basic", Username: labService, Password: labPassword, Impersonate: true}}}
	}
	d, err := newExchangeDoor(options(one))
	if err != nil {
		t.Fatal(err)
	}
	ears := doorEars{make(chan portal.Address, 100), make(chan portal.Address, 100)}
	mine := listened{d, d.board.join(ears)}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()

	alice, bob := portal.MustAddress("alice@example.test"), portal.MustAddress("bob@example.test")
	mine.Watch([]portal.Address{alice})
	ears.wait(t, ears.reached, "reached", alice)
	if _, err := mine.Changes(ctx, bob, bob, ""); err == nil {
		t.Error("bob has a mailbox at a server that does not know him")
	}

	second, err := d.connect(options(two))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.replace(ctx, second); err != nil {
		t.Fatal(err)
	}
	ears.wait(t, ears.reached, "reached at the second server", alice)
	if _, err := mine.Changes(ctx, bob, bob, ""); err != nil {
		t.Errorf("bob's mailbox at the second server: %v", err)
	}
	at := time.Date(2031, 3, 4, 9, 0, 0, 0, time.UTC)
	if _, err := mine.Create(ctx, alice, alice, portal.Appointment{Subject: "New", Start: at, End: at.Add(time.Hour)}, portal.WriteOptions{ChangeID: "one"}); err != nil {
		t.Fatal(err)
	}
	ears.wait(t, ears.rang, "bell at the second server", alice)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := d.replace(context.Background(), second); err == nil {
		t.Error("a house that has closed took a connector")
	}
}
