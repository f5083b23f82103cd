package sipua

// What there is to know of a person's line: devices, facts, and the trace of their own traffic.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
)

// trouble is the last failure of a line.
type trouble struct {
	text string
	at   time.Time
}

// failed keeps a failure to be shown. The caller holds the mutex.
func (l *line) failed(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		l.trouble = &trouble{text: err.Error(), at: time.Now()}
	}
}

// deviceOf reads another device's registration.
func deviceOf(c nameAddr, until time.Time) portal.Device {
	d := portal.Device{Contact: strings.Clone(c.uri), Instance: strings.Clone(strings.Trim(c.param("+sip.instance"), "<>")), Until: until.Truncate(time.Second)}
	for _, name := range []string{"user-agent", "+sip.ua", "ua"} { // not in any RFC, but there are servers that say it
		if d.Agent == "" {
			d.Agent = strings.Clone(c.param(name))
		}
	}
	return d
}

// Devices are the other devices with which a person is registered, as far as the last REGISTER told; the longest
// registration first.
func (a *Agent) Devices(who portal.Address) []portal.Device {
	l := a.line(who)
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	ds := slices.DeleteFunc(slices.Clone(l.devices), func(d portal.Device) bool { return !d.Until.After(now) })
	slices.SortStableFunc(ds, func(a, b portal.Device) int { return b.Until.Compare(a.Until) })
	return ds
}

// RemoveDevice takes a device of the person off the server, by its Contact as Devices gives it. A device that is still
// there registers again when its time is up. Errors: ErrNotFound (it is not one of theirs), ErrUnavailable, ErrForbidden.
func (a *Agent) RemoveDevice(ctx context.Context, who portal.Address, contact string) error {
	l := a.line(who)
	if l == nil || !slices.ContainsFunc(a.Devices(who), func(d portal.Device) bool { return d.Contact == contact }) {
		return fmt.Errorf("sip: %w: no such device", portal.ErrNotFound)
	}
	if err := l.begin(ctx); err != nil {
		return unreachable("signin.unreachable", err, 0)
	}
	defer l.end()
	res, f, err := l.ask(ctx, l.credentials(), query{
		method: sip.REGISTER, uri: "sip:" + who.Domain(), to: who, callID: l.callID, fromTag: l.tag, cseq: l.nextRegister,
		headers: []string{"Contact", "<" + contact + ">;expires=0"},
	})
	if err == nil && res.StatusCode/100 != 2 {
		err = failed(sip.REGISTER, res)
	}
	if err != nil {
		return signInError(err)
	}
	g := l.granted(res, f, instanceURN(a.cfg.Instance, who), a.cfg.RegisterExpires)
	l.mu.Lock()
	l.devices = slices.DeleteFunc(g.devices, func(d portal.Device) bool { return d.Contact == contact })
	l.mu.Unlock()
	return nil
}

// Facts is what there is to know of a person's line; ok is false where they have none here.
func (a *Agent) Facts(who portal.Address) (f portal.LineFacts, ok bool) {
	l := a.line(who)
	if l == nil {
		return f, false
	}
	f = portal.LineFacts{Proxy: a.cfg.Proxy, Transport: strings.ToLower(a.proxy.transport), Auth: a.cfg.Auth, Subscriptions: []portal.SubscriptionFact{}}
	if name := a.server.Load(); name != nil {
		f.Server = *name
	}
	flow := l.link.flow()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.registeredNow() && flow != nil {
		f.Contact, f.Until = l.contact(flow), l.expires.UTC().Truncate(time.Second)
	}
	f.RegisteredAt = unix(l.since)
	if l.pub != nil && l.pub.etag != "" {
		f.Published = l.pub.last.UTC().Truncate(time.Second)
	}
	for _, s := range l.everySub() {
		f.Subscriptions = append(f.Subscriptions, s.fact())
	}
	slices.SortFunc(f.Subscriptions, func(a, b portal.SubscriptionFact) int {
		return strings.Compare(a.Event+" "+string(a.Of), b.Event+" "+string(b.Of))
	})
	f.XCAP = l.kept.names()
	slices.Sort(f.XCAP)
	if l.trouble != nil {
		f.LastError, f.LastErrorAt = l.trouble.text, l.trouble.at.UTC().Truncate(time.Second)
	}
	return f, true
}

// unix is an instant of Unix seconds, zero for none.
func unix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// fact describes a subscription. The caller holds the mutex.
func (s *sub) fact() portal.SubscriptionFact {
	event, _ := s.event()
	if s.kind == kindList {
		event += ".list"
	}
	f := portal.SubscriptionFact{Event: event, Of: s.of, State: "waiting"}
	switch {
	case s.is(subStopped):
		f.State = "refused"
	case s.live() && s.is(subHeldBack):
		f.State, f.Until = "pending", unix(s.expires)
	case s.live():
		f.State, f.Until = "active", unix(s.expires)
	}
	return f
}

// callsItself keeps what the server calls itself.
func (a *Agent) callsItself(name string) {
	if known := a.server.Load(); name == "" || known != nil && *known == name {
		return
	}
	name = shorten(strings.Clone(name))
	a.server.Store(&name)
}
