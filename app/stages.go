package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// stage is a part of the house that lives: run returns when ctx has ended and its children have.
type stage struct {
	name string
	run  func(ctx context.Context) error
	// ready, where there is one, is closed when what stands on this stage may start.
	ready <-chan struct{}
	// leave, where there is one, is called before ctx ends: say good-bye while everything still works.
	leave func(ctx context.Context)
}

// shutdownBudget is how long the whole house may take to close.
const shutdownBudget = 10 * time.Second

// running is a started stage.
type running struct {
	stage
	cancel context.CancelFunc
	done   chan error // gets the result of run, once
}

// runStages starts the stages in order, waits until ctx ends or one of them fails, and closes them in
// the opposite order, each after the one that stands on it, within shutdownBudget.
func runStages(ctx context.Context, log *slog.Logger, stages []stage) error {
	fallen := make(chan error, len(stages))
	started := make([]running, 0, len(stages))
	for _, s := range stages {
		r := running{stage: s, done: make(chan error, 1)}
		// Each ends by its own cancel, in its turn, and not when ctx does.
		var own context.Context
		own, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
		go func() {
			err := s.run(own)
			if err == nil && own.Err() == nil {
				err = errors.New("ended by itself")
			}
			if err != nil {
				err = fmt.Errorf("%s: %w", s.name, err)
				fallen <- err
			}
			r.done <- err
		}()
		started = append(started, r)
		if s.ready == nil {
			continue
		}
		select {
		case <-s.ready:
		case <-r.done: // it says why below
			r.done <- nil
		}
	}
	var result error
	select {
	case <-ctx.Done():
	case result = <-fallen:
	}
	return errors.Join(result, closeStages(log, started, result))
}

func closeStages(log *slog.Logger, started []running, known error) error {
	begun := time.Now()
	budget, cancel := context.WithTimeout(context.Background(), shutdownBudget)
	defer cancel()
	var errs []error
	for i := len(started) - 1; i >= 0; i-- {
		r := started[i]
		if r.leave != nil {
			r.leave(budget)
		}
		r.cancel()
		select {
		case err := <-r.done:
			if err != nil && !errors.Is(err, known) {
				errs = append(errs, err)
			}
		case <-budget.Done():
			errs = append(errs, fmt.Errorf("%s did not close in time", r.name))
		}
	}
	log.Info("closed", "took", time.Since(begun).Round(time.Millisecond))
	return errors.Join(errs...)
}
