package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"portico/app/config"
	"portico/app/portal"
	"portico/app/sipua"
)

// switchboard connects the line to the rooms that what arrives on it is for.
type switchboard struct{ h *house }

// Receive gives a message to chat; what a room of the SIP server says to the rooms. What a room of this portal sent to
// a SIP client comes to the portal's own line of that person too: it is in the room's log already.
func (s switchboard) Receive(ctx context.Context, in portal.Incoming) error {
	switch {
	case s.h.rooms.IsRoom(in.From):
		return nil
	case s.h.rooms.IsServerRoom(in.From):
		return s.h.rooms.ReceiveServer(ctx, in)
	}
	return s.h.chat.Receive(ctx, in)
}

// ReceiveNotice gives the news of an own message to chat.
func (s switchboard) ReceiveNotice(ctx context.Context, owner portal.Address, n portal.Notice) error {
	return s.h.chat.ReceiveNotice(ctx, owner, n)
}

// ReceiveTyping gives typing to chat.
func (s switchboard) ReceiveTyping(to, from portal.Address, typing bool, refresh time.Duration) {
	s.h.chat.ReceiveTyping(to, from, typing, refresh)
}

// Notified gives a presence document to the board.
func (s switchboard) Notified(watcher portal.Address, r portal.Report) {
	s.h.presence.Notified(watcher, r)
}

// Silent tells the board that nothing is known any more.
func (s switchboard) Silent(watcher, of portal.Address) { s.h.presence.Silent(watcher, of) }

// RoomMessage gives what a SIP client says to a room to the rooms.
func (s switchboard) RoomMessage(ctx context.Context, in portal.RoomIncoming) error {
	return s.h.rooms.Receive(ctx, in)
}

// Rang tells the list of calls of a call.
func (s switchboard) Rang(r portal.Ring) { s.h.desk.rang(r) }

// Dialogs tells of the calls of a person's devices.
func (s switchboard) Dialogs(who portal.Address, ds []portal.Dialog) { s.h.desk.dialogs(who, ds) }

// MessageWaiting tells of the voice mail that waits for a person.
func (s switchboard) MessageWaiting(who portal.Address, w portal.Waiting) { s.h.desk.waiting(who, w) }

// Watchers tells the room of relationships who watches a person.
func (s switchboard) Watchers(who portal.Address, ws []portal.Watcher) { s.h.privacy.Watchers(who, ws) }

// LineUp lets what waited go out.
func (s switchboard) LineUp(who portal.Address) {
	s.h.account.LineUp(who)
	s.h.chat.LineUp(who)
}

// LineDown makes what was known through the line unknown.
func (s switchboard) LineDown(who portal.Address, err error) {
	s.h.log.Warn("line down", "person", who, "error", err)
	s.h.account.LineDown(who, err)
	s.h.presence.LineLost(who)
}

// lineConfig is the SIP connector's part of the configuration.
func lineConfig(cfg *config.Config, instance string) (sipua.Config, error) {
	conf := sipua.Config{
		Domain: cfg.SIP.Domain, Proxy: cfg.SIP.Proxy, Listen: cfg.SIP.Listen, Auth: cfg.SIP.Auth,
		RoomsDomain: cfg.SIP.RoomsDomain, Instance: instance, UserAgent: "Portico",
		RegisterExpires: cfg.SIP.RegisterExpires, PublishExpires: cfg.SIP.PublishExpires,
		SubscribeExpires: cfg.SIP.SubscribeExpires, ResumeRate: cfg.SIP.ResumeRate, PublishPace: cfg.Presence.PublishPace,
		Dialogs: cfg.SIP.DialogEvents, MessageSummary: cfg.SIP.MessageSummary,
		NoWatcherInfo: !cfg.SIP.WatcherInfo,
		XCAPRoot:      cfg.SIP.XCAPRoot, ResourceLists: cfg.SIP.ResourceLists,
	}
	var err error
	if conf.AcceptFrom, err = prefixes("sip.accept_from", cfg.SIP.AcceptFrom); err != nil {
		return conf, err
	}
	if cfg.SIP.TLSCA == "" && !cfg.SIP.TLSInsecure {
		return conf, nil
	}
	conf.TLS = &tls.Config{InsecureSkipVerify: cfg.SIP.TLSInsecure, MinVersion: tls.VersionTLS12} // #nosec G402 -- said by the operator in so many words
	if cfg.SIP.TLSCA != "" {
		pem, err := os.ReadFile(cfg.SIP.TLSCA)
		if err != nil {
			return conf, fmt.Errorf("sip.tls_ca: %w", err)
		}
		conf.TLS.RootCAs = x509.NewCertPool()
		if !conf.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return conf, fmt.Errorf("sip.tls_ca: no certificate in %s", cfg.SIP.TLSCA)
		}
	}
	return conf, nil
}

// instanceName is the installation's name, made once and kept in the data folder: what people are
// registered with must be the same after a restart.
func instanceName(dir string) (string, error) {
	path := filepath.Join(dir, "instance")
	b, err := os.ReadFile(path)
	if err == nil && strings.TrimSpace(string(b)) != "" {
		return strings.TrimSpace(string(b)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("instance name: %w", err)
	}
	name := strings.ToLower(rand.Text())
	if err := os.WriteFile(path, []byte(name+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("instance name: %w", err)
	}
	return name, nil
}
