package main

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/calls"
	"portico/app/config"
	"portico/app/portal"
)

const deskOwner = portal.Address("sip:alice@example.test")

// deskOf is a desk of a house that has nothing but a list of calls; busy is what presence is told.
func deskOf(out *bytes.Buffer, busy *bool) *callDesk {
	h := &house{log: slog.New(slog.NewTextHandler(out, nil))}
	h.calls = calls.New(nil, nil, nil, calls.Options{InCall: func(_ portal.Address, on bool) { *busy = on }})
	h.desk = newDesk(h)
	return h.desk
}

// TestDeskKeepsOrder: what a telephone said before somebody signed out does not make them busy when they come again.
func TestDeskKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy bool
		d := deskOf(&bytes.Buffer{}, &busy)
		talk := []portal.Dialog{{State: portal.DialogConfirmed}}
		d.signedIn(deskOwner)
		d.dialogs(deskOwner, talk)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.run(ctx) }()
		synctest.Wait()
		if !busy {
			t.Error("she talks, and is not busy")
		}
		entered, leave := make(chan struct{}), make(chan struct{})
		d.put("slow", func(context.Context) { close(entered); <-leave })
		<-entered
		d.dialogs(deskOwner, nil)
		d.dialogs(deskOwner, talk)
		d.signedOut(deskOwner)
		d.signedIn(deskOwner)
		close(leave)
		synctest.Wait()
		if busy {
			t.Error("busy by a call of the sign-in before")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestFullDeskLetsOut: where news are left out because the desk is full, signing out is not.
func TestFullDeskLetsOut(t *testing.T) {
	var out bytes.Buffer
	var busy bool
	d := deskOf(&out, &busy)
	d.h.calls.Dialogs(t.Context(), deskOwner, []portal.Dialog{{State: portal.DialogConfirmed}})
	for range deskQueue {
		d.put("many", func(context.Context) {})
	}
	d.put("one more", func(context.Context) {})
	d.signedOut(deskOwner)
	if busy || !strings.Contains(out.String(), "one more") {
		t.Errorf("busy %v, log %s", busy, out.String())
	}
}

// TestDeskDrains: what waits when the house closes is done still, for a while.
func TestDeskDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var busy bool
		d := deskOf(&out, &busy)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		noted := 0
		for range 100 {
			d.put("call", func(ctx context.Context) {
				if ctx.Err() == nil {
					noted++
				}
			})
		}
		if err := d.run(ctx); err != nil || noted != 100 || out.Len() != 0 {
			t.Errorf("%d noted, %v: %s", noted, err, out.String())
		}
		begun := time.Now()
		for range 3 { // storage that does not answer
			d.put("call", func(ctx context.Context) { <-ctx.Done() })
		}
		if err := d.run(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took != drainDesk || !strings.Contains(out.String(), "lost=2") {
			t.Errorf("closing took %v: %s", took, out.String())
		}
	})
}

// TestDeskOutlivesTheLine: the desk and what it writes to begin before the line and end after it.
func TestDeskOutlivesTheLine(t *testing.T) {
	dir := t.TempDir()
	cfg, err := config.Load("", []string{"PORTICO_HTTP_LISTEN=127.0.0.1:0", "PORTICO_STORAGE_DSN=sqlite:" + filepath.Join(dir, "portico.db"),
		"PORTICO_STORAGE_DATA_DIR=" + dir})
	if err != nil {
		t.Fatal(err)
	}
	h, err := build(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	order := map[string]int{}
	for i, s := range h.stages() {
		order[s.name] = i + 1
	}
	if order["calls"] == 0 || order["calls"] > order["call desk"] || order["call desk"] > order["sip"] || order["storage"] > order["calls"] {
		t.Errorf("order of the stages: %v", order)
	}
}
