package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"portico/app/config"
	"portico/app/sipua/siplab"
)

// lab runs only the lab servers and prints where they are, for other clients to talk to.
func lab(ctx context.Context, cfg *config.Config, out, errs io.Writer) error {
	log := newLogger(cfg, errs)
	sip, err := newSIPLab(cfg, log)
	if err != nil {
		return err
	}
	if err := sip.Listen(); err != nil {
		return fmt.Errorf("lab SIP server: %w", err)
	}
	exchange, err := newEWSLab(cfg, log, "")
	if err != nil {
		return errors.Join(err, sip.Close())
	}
	if err := exchange.Listen(); err != nil {
		return errors.Join(fmt.Errorf("lab Exchange server: %w", err), exchange.Close(), sip.Close())
	}
	_, err = fmt.Fprintf(out, "Lab SIP server: sip:%s (UDP and TCP), domain %s\nLab Exchange server: %s\n"+
		"Accounts: %s\nPassword of each: %s\nService account of the Exchange server: %s, with the same password\n",
		sip.Addr(), sip.Domain(), exchange.URL(), strings.Join(labAccounts(cfg.SIP.Domain), ", "), labPassword, labService)
	if err != nil {
		return errors.Join(err, exchange.Close(), sip.Close())
	}
	return runStages(ctx, log, []stage{{name: "lab SIP server", run: sip.Run}, {name: "lab Exchange server", run: exchange.Run}})
}

// newSIPLab builds the lab SIP server with the example people.
func newSIPLab(cfg *config.Config, log *slog.Logger) (*siplab.Server, error) {
	sip, err := siplab.New(siplab.Config{
		Domain: cfg.SIP.Domain, Listen: cfg.Lab.SIPListen, AllowRemote: cfg.Lab.AllowPublic, Users: labUsers(),
		Robots: siplab.RobotPace{Presence: max(cfg.Lab.RobotsPace, time.Second)},
		Logger: log.With("part", "siplab"),
	})
	if err != nil {
		return nil, fmt.Errorf("lab SIP server: %w", err)
	}
	return sip, nil
}

func labAccounts(domain string) []string {
	var out []string
	for _, p := range labPeople() {
		out = append(out, p.user+"@"+domain)
	}
	return out
}
