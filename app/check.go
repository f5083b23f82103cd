package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"portico/app/config"
	"portico/app/portal"
	"portico/app/sipua"
	"portico/storage"
)

// checkTimeout bounds the sign-in to one backend.
const checkTimeout = 15 * time.Second

// checkBook bounds the reading of the directory server.
const checkBook = time.Minute

// check signs in to every backend the configuration names and prints a line for each.
func check(ctx context.Context, cfg *config.Config, out, errs io.Writer) error {
	log := newLogger(cfg, errs)
	failed := 0
	report := func(what string, err error) {
		line := "ok      " + what
		if err != nil {
			failed++
			line = "FAILED  " + what + ": " + err.Error()
		}
		fmt.Fprintln(out, line)
	}
	for _, w := range cfg.Warnings() {
		fmt.Fprintln(out, "warning ", w)
	}
	report("configuration", nil)
	report("storage "+cfg.Storage.DSN, checkStorage(ctx, cfg))
	h := &house{cfg: cfg, log: log}
	if err := h.openLab(); err != nil {
		report("lab SIP server", err)
	} else {
		what, err := h.checkSIP(ctx)
		report("sip "+cfg.SIP.Proxy+what, err)
	}
	h.checkPeople(ctx, report)
	h.checkExchange(ctx, report)
	if failed > 0 {
		return fmt.Errorf("%d of the backends do not work", failed)
	}
	return nil
}

// checkPeople asks those who say who people are: the directory server for everybody, and the identity provider for what it says of itself.
func (h *house) checkPeople(ctx context.Context, report func(string, error)) {
	ctx, done := context.WithTimeout(ctx, checkBook)
	defer done()
	if err := h.openLDAP(); err != nil {
		report("directory server", err)
	} else if h.ldap != nil {
		what, err := h.checkLDAP(ctx)
		report("ldap "+h.cfg.LDAP.URL+what, err)
	}
	if err := h.openOIDC(); err != nil {
		report("identity provider", err)
	} else if h.oidc != nil {
		defer h.oidc.Close()
		report("oidc "+h.cfg.OIDC.Issuer+", redirect address "+h.redirectAddress(), h.oidc.Ready(ctx))
	}
}

// checkLDAP signs in as the service account and reads whom there is.
func (h *house) checkLDAP(ctx context.Context) (what string, err error) {
	if err := h.ldap.Ready(ctx); err != nil {
		return "", err
	}
	people, err := h.ldap.People(ctx)
	if err == nil && len(people) == 0 {
		err = errors.New("nobody there has an address: see ldap.base_dn, ldap.filter, ldap.preset and ldap.address_attribute")
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(", %d people, the first %s", len(people), people[0].URI.Bare()), nil
}

// checkExchange signs in to every Exchange server, and with the lab to its own.
func (h *house) checkExchange(ctx context.Context, report func(string, error)) {
	if err := h.openEWSLab(""); err != nil {
		report("lab Exchange server", err)
		return
	}
	if len(h.cfg.EWS.Server) == 0 {
		return
	}
	o, err := exchangeOptions(h.cfg)
	if err == nil {
		o.Logger = h.log
		o.Credentials = func(context.Context, portal.Address) (user, password string, err error) {
			account, password := h.checkAccount()
			return account.Bare(), password, nil
		}
		h.exchange, err = newExchangeDoor(o)
	}
	if err != nil {
		report("exchange", err)
		return
	}
	ctx, finished := context.WithCancel(ctx)
	defer finished()
	stages := []stage{{name: "check", run: func(ctx context.Context) error {
		for _, s := range h.cfg.EWS.Server {
			try, done := context.WithTimeout(ctx, checkTimeout)
			who := h.checkMailbox(s)
			report("exchange "+s.Name+" "+cmp.Or(s.URL, "(found by Autodiscover)")+", calendar of "+who.Bare(), h.exchange.CheckMailbox(try, s.Name, who))
			done()
		}
		finished()
		<-ctx.Done()
		return nil
	}}}
	if h.ewslab != nil {
		stages = append([]stage{{name: "lab Exchange server", run: h.ewslab.Run}}, stages...)
	}
	if err := runStages(ctx, h.log, stages); err != nil {
		report("lab Exchange server", err)
	}
}

// checkMailbox is whose calendar is opened to see that an Exchange server works.
func (h *house) checkMailbox(s config.EWSServer) portal.Address {
	if who, err := portal.ParseAddress(s.CheckMailbox); err == nil {
		return who
	}
	who, _ := h.checkAccount()
	return who
}

// checkStorage opens the database without changing its schema: the portal may be running, and of another version.
func checkStorage(ctx context.Context, cfg *config.Config) error {
	if err := os.MkdirAll(cfg.Storage.DataDir, 0o700); err != nil {
		return err
	}
	s, err := storage.Open(ctx, storage.Options{DSN: cfg.Storage.DSN, KeepSchema: true})
	if err != nil {
		return err
	}
	return s.Close()
}

// checkSIP registers a person at the SIP server and removes the registration: the one that sip.check_user
// names, with the lab an example person, in trusted mode the first administrator. With none of them it can
// only see whether the server answers and asks for a password, and says so.
func (h *house) checkSIP(ctx context.Context) (what string, err error) {
	conf, err := lineConfig(h.cfg, "check")
	if err != nil {
		return "", err
	}
	conf.Logger = h.log
	conf.Listen = "127.0.0.1:0"
	if h.lab == nil {
		conf.Listen = anyPort(h.cfg.SIP.Listen)
	}
	agent, err := sipua.New(conf, nobody{})
	if err != nil {
		return "", err
	}
	who, password := h.checkAccount()
	ctx, finished := context.WithCancel(ctx)
	defer finished()
	stages := []stage{{name: "sip", run: agent.Run}, {name: "check", run: func(ctx context.Context) error {
		try, done := context.WithTimeout(ctx, checkTimeout)
		defer done()
		err = agent.Check(try, who, password)
		finished()
		<-ctx.Done()
		return nil
	}}}
	if h.lab != nil {
		stages = append([]stage{{name: "lab SIP server", run: h.lab.Run}}, stages...)
	}
	if stageErr := runStages(ctx, h.log, stages); stageErr != nil {
		return "", stageErr
	}
	if password == "" && h.cfg.SIP.Auth == "digest" && errors.Is(err, portal.ErrUnauthenticated) {
		return ", which asks for a password; sip.check_user is not set, so nobody was signed in", nil
	}
	return " as " + who.Bare(), err
}

// checkAccount is who signs in for the check, with an empty password where there is none to try.
func (h *house) checkAccount() (portal.Address, string) {
	switch {
	case h.cfg.SIP.CheckUser != "":
		who, err := portal.ParseAddress(h.cfg.SIP.CheckUser)
		if err == nil {
			return who, h.cfg.SIP.CheckPassword.Reveal()
		}
	case h.lab != nil:
		return labBook{h.cfg.SIP.Domain}.address("alice"), labPassword
	case len(h.cfg.Signin.Admins) > 0:
		return addresses(h.cfg.Signin.Admins)[0], ""
	}
	return portal.Address("sip:portico-check@" + h.cfg.SIP.Domain), ""
}

// nobody is a house without people: what arrives during a check is for nobody.
type nobody struct{}

func (nobody) Receive(context.Context, portal.Incoming) error {
	return portal.Fail(portal.ErrNotFound, "not-found")
}

func (nobody) ReceiveNotice(context.Context, portal.Address, portal.Notice) error {
	return portal.Fail(portal.ErrNotFound, "not-found")
}
func (nobody) ReceiveTyping(_, _ portal.Address, _ bool, _ time.Duration) {}
func (nobody) Notified(portal.Address, portal.Report)                     {}
func (nobody) Silent(_, _ portal.Address)                                 {}
func (nobody) Watchers(portal.Address, []portal.Watcher)                  {}
func (nobody) RoomMessage(context.Context, portal.RoomIncoming) error {
	return portal.Fail(portal.ErrNotFound, "room.not-found")
}
func (nobody) Rang(portal.Ring)                              {}
func (nobody) Dialogs(portal.Address, []portal.Dialog)       {}
func (nobody) MessageWaiting(portal.Address, portal.Waiting) {}
func (nobody) LineUp(portal.Address)                         {}
func (nobody) LineDown(portal.Address, error)                {}

// anyPort is a listen address on the same host with a free port: the portal itself may be running.
func anyPort(listen string) string {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return "127.0.0.1:0"
	}
	return net.JoinHostPort(host, "0")
}
