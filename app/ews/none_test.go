package ews

import (
	"context"
	"errors"
	"testing"

	"portico/app/portal"
)

// A connector that has no server yet says so to whoever asks, and waits for nothing.
func TestConnectorWithoutAServer(t *testing.T) {
	c, err := New(Options{Domain: "example.test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	const alice = portal.Address("sip:alice@example.test")
	c.Watch([]portal.Address{alice})
	for what, call := range map[string]func() error{
		"changes": func() error { _, err := c.Changes(ctx, alice, alice, ""); return err },
		"create": func() error {
			_, err := c.Create(ctx, alice, alice, portal.Appointment{}, portal.WriteOptions{})
			return err
		},
		"identity": func() error { _, _, err := c.Identity(ctx, alice, "alice@example.test"); return err },
	} {
		if err := call(); !errors.Is(err, portal.ErrUnavailable) || portal.Reason(err) != "calendar.none" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := c.Ready(); err != nil {
		t.Errorf("it is not ready: %v", err)
	}
	if err := c.Check(ctx, "nobody's"); !errors.Is(err, portal.ErrNotFound) && !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("a server that there is not: %v", err)
	}
	end()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
