package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// diary is what stages did, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(s string) { d.mu.Lock(); d.lines = append(d.lines, s); d.mu.Unlock() }

func (d *diary) read() []string { d.mu.Lock(); defer d.mu.Unlock(); return slices.Clone(d.lines) }

func (d *diary) stage(name string) stage {
	ready := make(chan struct{})
	return stage{
		name: name, ready: ready,
		run: func(ctx context.Context) error {
			d.note("start " + name)
			close(ready)
			<-ctx.Done()
			d.note("end " + name)
			return nil
		},
		leave: func(context.Context) { d.note("leave " + name) },
	}
}

func TestStagesStartInOrderAndCloseInTheOpposite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- runStages(ctx, slog.New(slog.DiscardHandler), []stage{d.stage("a"), d.stage("b"), d.stage("c")})
		}()
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want := []string{"start a", "start b", "start c", "leave c", "end c", "leave b", "end b", "leave a", "end a"}
		if got := d.read(); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	})
}

func TestAStageThatFailsClosesTheHouse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		broken := errors.New("socket gone")
		err := runStages(t.Context(), slog.New(slog.DiscardHandler), []stage{
			d.stage("a"), {name: "b", run: func(context.Context) error { return broken }}, d.stage("c"),
		})
		if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "b: ") || strings.Count(err.Error(), "gone") != 1 {
			t.Errorf("error %q", err)
		}
		if got := d.read(); got[len(got)-1] != "end a" {
			t.Errorf("got %v", got)
		}
	})
}

func TestAStageThatEndsByItselfIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := runStages(t.Context(), slog.New(slog.DiscardHandler), []stage{{name: "a", run: func(context.Context) error { return nil }}})
		if err == nil || !strings.Contains(err.Error(), "a: ended by itself") {
			t.Errorf("error %v", err)
		}
	})
}

func TestAStageThatFailsBeforeItIsReadyDoesNotHoldTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		broken := errors.New("no disk")
		err := runStages(t.Context(), slog.New(slog.DiscardHandler), []stage{
			{name: "a", ready: make(chan struct{}), run: func(context.Context) error { return broken }}, d.stage("b"),
		})
		if !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
	})
}

func TestClosingKeepsToItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		begun := time.Now()
		err := runStages(ctx, slog.New(slog.DiscardHandler), []stage{{name: "stuck", run: func(context.Context) error { <-release; return nil }}})
		if err == nil || !strings.Contains(err.Error(), "stuck did not close in time") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(begun); took != shutdownBudget {
			t.Errorf("took %s", took)
		}
	})
}
