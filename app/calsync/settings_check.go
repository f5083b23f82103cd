package calsync

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/app/portal"
)

// Settings as an administrator sees and changes them: passwords go in and never come out, and what is saved is tried at once.

// The bounds of what can be set.
const (
	maxServers   = 16
	maxKeepLog   = 3650
	maxOffset    = 14 * 60 // minutes: no clock is further off than zones lie apart
	checkTimeout = 20 * time.Second
)

// Settings gives the settings, with the fixed servers first, and no passwords.
func (p *Panel) Settings(ctx context.Context) (portal.SyncSettings, error) {
	st, _, err := p.loadSettings(ctx)
	if err != nil {
		return st, err
	}
	return p.shown(st), nil
}

// shown is settings as people may see them.
func (p *Panel) shown(st portal.SyncSettings) portal.SyncSettings {
	extra := slices.Clone(st.Servers)
	for i := range extra {
		extra[i].HasPassword = extra[i].Password != ""
		extra[i].Password = ""
	}
	st.Servers = append(slices.Clone(p.o.Fixed), extra...)
	other := slices.ContainsFunc(extra, func(s portal.SyncServerSpec) bool { return s.Primary })
	for i := range st.Servers {
		s := &st.Servers[i]
		if s.Fixed = i < len(p.o.Fixed); s.Fixed {
			s.Password = ""
		}
		s.Primary = s.Primary && !s.Fixed || i == 0 && !other
	}
	if st.OffsetMinutes == nil {
		st.OffsetMinutes = map[string]int{}
	}
	return st
}

// SaveSettings stores settings by their Revision, puts them to use, and says what a check against the real servers found. What
// is wrong with them in themselves is a *portal.FaultsError, and nothing is stored then; what the check finds hinders nothing.
func (p *Panel) SaveSettings(ctx context.Context, by portal.Address, st portal.SyncSettings) (portal.SyncSettings, []portal.SyncFinding, error) {
	if err := p.faults(st); err != nil {
		return st, nil, err
	}
	old, _, err := p.loadSettings(ctx)
	if err != nil {
		return st, nil, err
	}
	kept := st
	if kept.Servers, err = p.sealed(st.Servers, old.Servers); err != nil {
		return st, nil, err
	}
	findings, err := p.CheckSettings(ctx, st)
	if err != nil {
		return st, nil, err
	}
	ctx = context.WithoutCancel(ctx) // what is stored is put to use, although nobody may wait for the answer any more
	if err := p.storeSettings(ctx, kept, by); err != nil {
		return st, findings, err
	}
	if !slices.Equal(kept.Servers, old.Servers) {
		if err := p.applyStored(ctx); err != nil {
			p.o.Logger.ErrorContext(ctx, "calsync: changed servers cannot be used", "err", err)
			findings = append(findings, finding("server", "", err))
		}
	}
	st, err = p.Settings(ctx)
	return st, findings, err
}

// ours are the servers of settings that are not fixed.
func ours(list []portal.SyncServerSpec) []portal.SyncServerSpec {
	return slices.DeleteFunc(slices.Clone(list), func(s portal.SyncServerSpec) bool { return s.Fixed })
}

// sealed is the servers as they are stored: a new password sealed, an empty one as it was.
func (p *Panel) sealed(list, old []portal.SyncServerSpec) ([]portal.SyncServerSpec, error) {
	out := ours(list)
	for i := range out {
		was := slices.IndexFunc(old, func(o portal.SyncServerSpec) bool { return o.Name == out[i].Name })
		switch {
		case out[i].Password != "":
			box, err := p.o.Seal([]byte(out[i].Password))
			if err != nil {
				return nil, fmt.Errorf("seal a server's password: %w", err)
			}
			out[i].Password = base64.StdEncoding.EncodeToString(box)
		case was >= 0 && sameDoor(old[was], out[i]):
			out[i].Password = old[was].Password
		}
		out[i].HasPassword = false
	}
	return out, nil
}

// sameDoor reports whether two specifications lead to the same account at the same address: a stored password goes nowhere else.
func sameDoor(a, b portal.SyncServerSpec) bool {
	return a.URL == b.URL && a.Auth == b.Auth && a.Username == b.Username
}

// opened is the stored servers with their plain passwords.
func (p *Panel) opened(list []portal.SyncServerSpec) ([]portal.SyncServerSpec, error) {
	out := slices.Clone(list)
	for i := range out {
		if out[i].Password == "" {
			continue
		}
		box, err := base64.StdEncoding.DecodeString(out[i].Password)
		if err == nil {
			box, err = p.o.Open(box)
		}
		if err != nil {
			return nil, fmt.Errorf("the password of the server %s cannot be opened: set it again: %w", out[i].Name, err)
		}
		out[i].Password = string(box)
	}
	return out, nil
}

// applyStored puts the stored servers into use.
func (p *Panel) applyStored(ctx context.Context) error {
	st, _, err := p.loadSettings(ctx)
	if err != nil || p.o.Apply == nil {
		return err
	}
	list, err := p.opened(st.Servers)
	if err != nil {
		return err
	}
	return p.o.Apply(ctx, list)
}

// faults are what is wrong with settings in themselves, all at once; nil: nothing.
func (p *Panel) faults(st portal.SyncSettings) error {
	var list []portal.SyncFault
	bad := func(where, reason string) { list = append(list, portal.SyncFault{Where: where, Reason: reason}) }
	if st.SyncUser != "" {
		if who, err := portal.ParseAddress(string(st.SyncUser)); err != nil || who != st.SyncUser {
			bad("sync_user", "sync.fault.address")
		}
	}
	if st.NotifyEmail != "" {
		if a, err := mail.ParseAddress(st.NotifyEmail); err != nil || a.Address != st.NotifyEmail {
			bad("notify_email", "sync.fault.email")
		}
	}
	if st.LogLevel < 0 || st.LogLevel > 5 {
		bad("log_level", "sync.fault.level")
	}
	if st.KeepLog < 1 || st.KeepLog > maxKeepLog {
		bad("keep_log_days", "sync.fault.days")
	}
	if st.MaxShare < 1 || st.MaxShare > 100 {
		bad("max_share", "sync.fault.share")
	}
	if primaries := slices.DeleteFunc(ours(st.Servers), func(s portal.SyncServerSpec) bool { return !s.Primary }); len(primaries) > 1 {
		bad("servers", "sync.fault.primary")
	}
	names := map[string]bool{}
	for _, s := range p.o.Fixed {
		names[s.Name] = true
	}
	servers := ours(st.Servers)
	if len(servers) > maxServers {
		bad("servers", "sync.fault.servers")
	}
	for i, s := range servers {
		for what, reason := range serverFaults(s) {
			bad("servers."+strconv.Itoa(i)+"."+what, reason)
		}
		if names[s.Name] {
			bad("servers."+strconv.Itoa(i)+".name", "sync.fault.name-twice")
		}
		names[s.Name] = true
	}
	for name, minutes := range st.OffsetMinutes {
		if !names[name] {
			bad("offset_minutes."+name, "sync.fault.server")
		} else if minutes < -maxOffset || minutes > maxOffset {
			bad("offset_minutes."+name, "sync.fault.offset")
		}
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b portal.SyncFault) int { return strings.Compare(a.Where, b.Where) })
	return &portal.FaultsError{Faults: list}
}

// serverFaults are what is wrong with one server, by field.
func serverFaults(s portal.SyncServerSpec) map[string]string {
	out := map[string]string{}
	if s.Name == "" || len(s.Name) > 60 || strings.ContainsAny(s.Name, "\r\n\t") {
		out["name"] = "sync.fault.name"
	}
	if s.URL != "" {
		u, err := url.Parse(s.URL)
		switch {
		case err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
			out["url"] = "sync.fault.url"
		case u.Scheme == "http" && !loopback(u.Hostname()):
			out["url"] = "sync.fault.plain" // the password would be readable on the way
		}
	}
	switch s.Auth {
	case "basic", "ntlm":
		if s.Impersonate && s.Username == "" {
			out["username"] = "sync.fault.username"
		}
	default: // the others need files and addresses that belong into the configuration
		out["auth"] = "sync.fault.auth"
	}
	return out
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// CheckSettings tries what settings say against the real servers; nothing is stored.
func (p *Panel) CheckSettings(ctx context.Context, st portal.SyncSettings) ([]portal.SyncFinding, error) {
	if err := p.faults(st); err != nil {
		return nil, err
	}
	old, _, err := p.loadSettings(ctx)
	if err != nil {
		return nil, err
	}
	var out []portal.SyncFinding
	for _, s := range p.o.Fixed {
		out = append(out, p.checked(ctx, "server", s.Name, func(ctx context.Context) error { return p.x.Check(ctx, s.Name) }))
	}
	sealed, err := p.sealed(st.Servers, old.Servers)
	if err != nil {
		return nil, err
	}
	servers, err := p.opened(sealed)
	if err != nil {
		return append(out, finding("server", "", err)), nil
	}
	for _, s := range servers {
		out = append(out, p.checked(ctx, "server", s.Name, func(ctx context.Context) error { return p.o.Try(ctx, s) }))
	}
	if st.SyncUser != "" {
		out = append(out, p.checkSyncUser(ctx, st.SyncUser))
	}
	if st.NotifyEmail != "" {
		out = append(out, p.checkMail(ctx, st.NotifyEmail))
	}
	return out, nil
}

func (p *Panel) checked(ctx context.Context, part, name string, do func(context.Context) error) portal.SyncFinding {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return finding(part, name, do(ctx))
}

// checkSyncUser says whether the user for the synchronisation can invite for others.
func (p *Panel) checkSyncUser(ctx context.Context, who portal.Address) portal.SyncFinding {
	users, err := p.crm.Users(ctx)
	if err != nil {
		return finding("user", who.Bare(), err)
	}
	i := slices.IndexFunc(users, func(u portal.CRMUser) bool { return u.Address == who })
	switch {
	case i < 0:
		return portal.SyncFinding{Part: "user", Name: who.Bare(), Kind: KindNoUser}
	case !users[i].Synced():
		return portal.SyncFinding{Part: "user", Name: who.Bare(), Kind: KindNotSynced}
	}
	return p.checked(ctx, "user", who.Bare(), func(ctx context.Context) error { return p.x.CheckMailbox(ctx, users[i].Server, who) })
}

func (p *Panel) checkMail(ctx context.Context, to string) portal.SyncFinding {
	if p.o.Mail == nil || p.o.CheckMail == nil {
		return portal.SyncFinding{Part: "mail", Name: to, Kind: KindNoMail}
	}
	f := p.checked(ctx, "mail", to, p.o.CheckMail)
	if !f.OK {
		f.Kind = KindMail
	}
	return f
}

// errNoUser is that somebody is no CRM user.
func errNoUser(who portal.Address) error {
	return portal.Fail(portal.ErrNotFound, "sync.no-user").Because(errors.New(string(who) + " is no CRM user"))
}
