// Command portico is the portal's front door: it reads the command line, runs what it asks for until done
// or told to stop, and turns the result into an exit status.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // people's time zones, on machines that have no table of their own

	"portico/app/config"
)

// The exit statuses of the public interface.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
)

const usage = `Portico: a browser-based web access portal for presence, messages and calendars.

  portico                        serve with the embedded lab and its example people
  portico serve --config FILE    serve against the backends that FILE names
  portico lab [--config FILE]    only the lab servers, for other clients to talk to
  portico check --config FILE    read the configuration and sign in to every backend it names
  portico sync status            how the synchronisation of CRM and Exchange stands
  portico sync users [--apply]   what Sync users would do; with --apply it does it
  portico sync run               read both sides now and carry what waits
  portico sync retry [NUMBER…]   try again what failed: the jobs of these numbers, or all
  portico version                print the version
  portico help                   print this

Every key of the configuration can be set in the environment too: http.listen as PORTICO_HTTP_LISTEN.
The sync commands speak to the portal that runs with the same configuration, or do it themselves where none does.
The help pages, /help in the running portal, describe them all.
`

// errUsage is a wrong command line; its text says what is wrong.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run is the program without the process around it.
func run(ctx context.Context, args, environ []string, out, errs io.Writer) int {
	err := dispatch(ctx, args, environ, out, errs)
	var bad *config.Error
	switch {
	case err == nil:
		return exitFine
	case errors.Is(err, errUsage), errors.As(err, &bad):
		fmt.Fprintln(errs, err)
		return exitUsage
	default:
		fmt.Fprintln(errs, "portico:", err)
		return exitFailed
	}
}

func dispatch(ctx context.Context, args, environ []string, out, errs io.Writer) error {
	name := "serve"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		name, args = args[0], args[1:]
	}
	switch name {
	case "help":
		_, err := io.WriteString(out, usage)
		return err
	case "version":
		_, err := fmt.Fprintln(out, "portico", version())
		return err
	}
	if name == "sync" {
		return syncCommand(ctx, args, environ, out, errs)
	}
	commands := map[string]func(context.Context, *config.Config, io.Writer, io.Writer) error{
		"serve": serve, "lab": lab, "check": check,
	}
	command, ok := commands[name]
	if !ok {
		return fmt.Errorf("%w: there is no command %q\n\n%s", errUsage, name, usage)
	}
	cfg, err := configure(name, args, environ)
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(out, usage)
		return err
	}
	if err != nil {
		return err
	}
	return command(ctx, cfg, out, errs)
}

// configure reads the command's flags and the configuration they name.
func configure(name string, args, environ []string) (*config.Config, error) {
	flags := newFlags(name)
	file := flags.String("config", "", "configuration `file`")
	if err := parseFlags(flags, args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%w: %s takes no argument %q\n\n%s", errUsage, name, flags.Arg(0), usage)
	}
	if name == "check" && *file == "" {
		return nil, fmt.Errorf("%w: check needs --config FILE\n\n%s", errUsage, usage)
	}
	return config.Load(*file, environ)
}

func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// parseFlags reads flags; what is wrong with them is errUsage, and a wish for help flag.ErrHelp.
func parseFlags(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return fmt.Errorf("%w: %v\n\n%s", errUsage, err, usage)
	}
	return err
}

// version is the module's version and the commit it was built from, where the toolchain knows them.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value[:min(12, len(s.Value))]
		}
	}
	return v
}
