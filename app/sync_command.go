package main

// The synchronisation from a shell. The portal that runs is asked through its control door; where none runs, the command is a
// house of its own for as long as it takes, without doors for browsers or SIP.

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"portico/app/config"
	"portico/app/portal"
)

// syncDesk is the synchronisation as a shell works with it.
type syncDesk interface {
	Status(ctx context.Context) (portal.SyncStatus, error)
	PlanUsers(ctx context.Context) ([]portal.SyncUserPlan, error)
	// SyncUsers carries Sync users out for everybody and waits for its end.
	SyncUsers(ctx context.Context) (portal.SyncUsersRun, error)
	// Round reads both sides and carries what waits; it gives how things stand then.
	Round(ctx context.Context) (portal.SyncStatus, error)
	Retry(ctx context.Context, seqs []int64) (int, error)
}

// syncOrder is a sync command, read.
type syncOrder struct {
	name  string
	apply bool
	seqs  []int64
}

func syncCommand(ctx context.Context, args, environ []string, out, errs io.Writer) error {
	order, cfg, err := syncOrderOf(args, environ)
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(out, usage)
		return err
	}
	if err != nil {
		return err
	}
	desk, err := findDesk(ctx, cfg)
	if err == nil {
		return carryOut(ctx, desk, order, out)
	}
	if !errors.Is(err, errNobodyThere) {
		return err
	}
	return inOwnHouse(ctx, cfg, errs, func(ctx context.Context, h *house) error { return carryOut(ctx, localDesk{h}, order, out) })
}

// findDesk finds the portal that runs. One that has just begun, and has not hung out its plate yet, is waited for.
func findDesk(ctx context.Context, cfg *config.Config) (syncDesk, error) {
	for end := time.Now().Add(lockWait); ; {
		desk, err := controlClient(ctx, cfg)
		if !errors.Is(err, errNobodyThere) {
			return desk, err
		}
		f, locked := lockFolder(ctx, cfg.Storage.DataDir, 0)
		switch {
		case locked == nil:
			return nil, errors.Join(err, f.Close())
		case !errors.Is(locked, errInUse): // no folder yet, as a rule; the house will see
			return nil, err
		case !time.Now().Before(end):
			return nil, fmt.Errorf("%w, and does not answer", errInUse)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(deskPace):
		}
	}
}

// syncOrderOf reads the command line: flags and numbers in any order.
func syncOrderOf(args, environ []string) (o syncOrder, cfg *config.Config, err error) {
	bad := func(format string, args ...any) (syncOrder, *config.Config, error) {
		return o, nil, fmt.Errorf("%w: %s\n\n%s", errUsage, fmt.Sprintf(format, args...), usage)
	}
	if len(args) == 0 {
		return bad("sync needs a command: users, run, status or retry")
	}
	o.name, args = args[0], args[1:]
	if o.name == "-h" || o.name == "--help" || o.name == "-help" {
		return o, nil, flag.ErrHelp
	}
	if !slices.Contains([]string{"users", "run", "status", "retry"}, o.name) {
		return bad("there is no command sync %q", o.name)
	}
	flags := newFlags("sync " + o.name)
	file := flags.String("config", "", "configuration `file`")
	if o.name == "users" {
		flags.BoolVar(&o.apply, "apply", false, "do it")
	}
	for {
		if err := parseFlags(flags, args); err != nil {
			return o, nil, err
		}
		if flags.NArg() == 0 {
			break
		}
		seq, err := strconv.ParseInt(flags.Arg(0), 10, 64)
		if o.name != "retry" || err != nil || seq < 1 {
			return bad("sync %s takes no argument %q", o.name, flags.Arg(0))
		}
		o.seqs, args = append(o.seqs, seq), flags.Args()[1:]
	}
	cfg, err = config.Load(*file, environ)
	return o, cfg, err
}

// carryOut does what was ordered and prints what came of it.
func carryOut(ctx context.Context, desk syncDesk, o syncOrder, out io.Writer) error {
	switch {
	case o.name == "users" && !o.apply:
		rows, err := desk.PlanUsers(ctx)
		if err != nil {
			return err
		}
		return printPlan(out, rows)
	case o.name == "users":
		run, err := desk.SyncUsers(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %d of %d people; %d linked, %d created, %d taken up again, %d not\n",
			run.State, run.Done, run.Of, run.Linked, run.Created, run.Resumed, run.Failed)
		for _, who := range run.Again {
			fmt.Fprintf(out, "again synchronised: %s\n", who.Bare())
		}
		if run.State != "done" {
			return errors.New("sync users did not come to its end: " + run.Reason)
		}
		return nil
	case o.name == "retry":
		n, err := desk.Retry(ctx, o.seqs)
		if err == nil {
			_, err = fmt.Fprintf(out, "%d tried again\n", n)
		}
		return err
	}
	ask := desk.Status
	if o.name == "run" {
		ask = desk.Round
	}
	st, err := ask(ctx)
	if err != nil {
		return err
	}
	if err := printStatus(out, st); err != nil {
		return err
	}
	if o.name == "run" && st.Queue.Waiting+st.Queue.Retrying+st.Queue.Held+st.Queue.Failed > 0 {
		return fmt.Errorf("%d appointments are not in step", st.Queue.Waiting+st.Queue.Retrying+st.Queue.Held+st.Queue.Failed)
	}
	return nil
}

func printPlan(out io.Writer, rows []portal.SyncUserPlan) error {
	for _, r := range rows {
		line := fmt.Sprintf("%-10s %s", r.Action, r.Person.URI.Bare())
		if r.By != "" {
			line += " is " + r.User.Address.Bare() + " by " + r.By
		}
		if r.Server != "" {
			line += " on " + r.Server
		}
		if r.Problem != "" {
			line += " (" + r.Problem + ")"
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

func printStatus(out io.Writer, st portal.SyncStatus) error {
	onOff := map[bool]string{true: "on", false: "off"}
	fmt.Fprintf(out, "CRM to Exchange %s, Exchange to CRM %s\n", onOff[st.ToExchange], onOff[st.ToCRM])
	fmt.Fprintf(out, "queue: %d waiting, %d to be tried again, %d held, %d failed; %d conflicts\n",
		st.Queue.Waiting, st.Queue.Retrying, st.Queue.Held, st.Queue.Failed, st.Conflicts)
	for _, m := range st.Mailboxes {
		line := fmt.Sprintf("%-8s %s", m.State, m.Mailbox.Bare())
		if m.Server != "" {
			line += " on " + m.Server
		}
		line += fmt.Sprintf(", %d entries", m.Items)
		if !m.ReadAt.IsZero() {
			line += ", read " + m.ReadAt.UTC().Format(time.RFC3339)
		}
		if m.Cause != "" {
			line += ": " + m.Cause
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// localDesk is the desk of this house.
type localDesk struct{ h *house }

// byShell is who asks, in the transaction log.
const byShell = portal.Address("command line")

func (d localDesk) Status(ctx context.Context) (portal.SyncStatus, error) {
	return d.h.sync.Status(ctx)
}
func (d localDesk) PlanUsers(ctx context.Context) ([]portal.SyncUserPlan, error) {
	return d.h.panel.PlanUsers(ctx)
}
func (d localDesk) Retry(ctx context.Context, seqs []int64) (int, error) {
	return d.h.sync.Retry(ctx, byShell, seqs)
}
func (d localDesk) Round(ctx context.Context) (portal.SyncStatus, error) { return d.h.sync.Round(ctx) }

// deskPace is how often a shell looks whether something has come to its end.
const deskPace = 100 * time.Millisecond

func (d localDesk) SyncUsers(ctx context.Context) (portal.SyncUsersRun, error) {
	run, err := d.h.panel.RunUsers(ctx, byShell, nil, false)
	tick := time.NewTicker(deskPace)
	defer tick.Stop()
	for err == nil && run.State == "running" {
		select {
		case <-ctx.Done():
			return run, ctx.Err()
		case <-tick.C:
		}
		run, err = d.h.panel.UsersRun(ctx)
	}
	return run, err
}

// inOwnHouse runs as much of the house as the synchronisation needs, does something in it, and closes it.
func inOwnHouse(ctx context.Context, cfg *config.Config, errs io.Writer, do func(context.Context, *house) error) error {
	cfg.HTTP.Listen = "127.0.0.1:0"
	cfg.SIP.Listen = anyPort(cfg.SIP.Listen)
	h, err := build(ctx, cfg, newLogger(cfg, errs))
	if err != nil {
		return err
	}
	defer h.close()
	if h.sync == nil {
		return errors.New("there is no synchronisation: it needs crm.enabled and an Exchange server")
	}
	ctx, finished := context.WithCancel(ctx)
	defer finished()
	var failed error
	stages := append(h.backStages(), stage{name: "command", run: func(ctx context.Context) error {
		failed = do(ctx, h)
		finished()
		<-ctx.Done()
		return nil
	}})
	return errors.Join(runStages(ctx, h.log, stages), failed)
}

// backStages is the house without people: storage, the lab's Exchange, the connector, the synchronisation.
func (h *house) backStages() []stage {
	stages := []stage{{name: "storage", run: h.store.Run, ready: h.store.Started()}}
	if h.ewslab != nil {
		stages = append(stages, stage{name: "lab Exchange server", run: h.ewslab.Run})
	}
	return append(stages,
		stage{name: "directory", run: h.directory.Run},
		stage{name: "exchange", run: h.syncSide.Run},
		stage{name: "synchronisation", run: h.sync.Run}, stage{name: "control panel", run: h.panel.Run})
}
