package ews

import (
	"context"
	"errors"
	"strings"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// bellHost is a host as its belfry sees it: subscriptions to calendars and voice mail, and their streams.
type bellHost struct{ *host }

// calendarEvents are the events that a calendar rings for.
var calendarEvents = []string{soap.CreatedEvent, soap.DeletedEvent, soap.ModifiedEvent, soap.MovedEvent, soap.CopiedEvent}

// voiceEvents are those that voice mail rings for.
var voiceEvents = []string{soap.NewMailEvent, soap.CreatedEvent, soap.DeletedEvent, soap.ModifiedEvent, soap.MovedEvent}

// pullLasts is how many minutes a pull subscription lives unasked.
const pullLasts = 30

func (b bellHost) alone() bool { return !b.s.Impersonate && b.c.o.Credentials != nil }

// note: whether a mailbox is reached is told by its calendar's bell alone.
func (b bellHost) note(at post, err error) {
	if !at.voice {
		b.c.health.bell(b.host, at.who, err)
	}
	b.learn(err)
}

func (b bellHost) unhung(at post) {
	if !at.voice {
		b.c.health.bell(b.host, at.who, errByTimer)
	}
}

// mailbox is the client and the voice for somebody's own mailbox, with the affinity that subscriptions need.
func (b bellHost) mailbox(ctx context.Context, who portal.Address) (client *soap.Client, as soap.As, mailbox string, err error) {
	if err := b.outage.refused(); err != nil { // the belfry hears when it is back
		return nil, soap.As{}, "", err
	}
	if client, err = b.client(ctx, b.c.o.Mailbox(who)); err != nil {
		return nil, soap.As{}, "", err
	}
	as, mailbox, err = b.as(ctx, who, who)
	as.Affinity = true
	return client, as, mailbox, err
}

func (b bellHost) subscribe(ctx context.Context, at post, pull bool) (subscription, error) {
	if !at.voice {
		return b.subscribeTo(ctx, at.who, pull, calendarEvents, "calendar")
	}
	email := b.c.o.Mailbox(at.who)
	if b.c.noted.lacksVoice(email) {
		return b.subscribeTo(ctx, at.who, pull, voiceEvents, "inbox")
	}
	s, err := b.subscribeTo(ctx, at.who, pull, voiceEvents, "inbox", voicemailName)
	if vanished(err) {
		b.c.noted.setLacksVoice(email)
	}
	if err == nil || transient(err) || errors.Is(err, errUnsupported) || errors.Is(err, portal.ErrTooMany) {
		return s, err
	}
	// There is none, or it is one that cannot be listened to.
	return b.subscribeTo(ctx, at.who, pull, voiceEvents, "inbox")
}

func (b bellHost) subscribeTo(ctx context.Context, who portal.Address, pull bool, events []string, names ...string) (subscription, error) {
	client, as, mailbox, err := b.mailbox(ctx, who)
	if err != nil {
		return subscription{}, err
	}
	as.Anchor = b.anchor(as.Anchor)
	var folders []soap.FolderRef
	for _, name := range names {
		folders = append(folders, soap.WellKnown(name, mailbox))
	}
	req := &soap.Subscribe{Streaming: &soap.StreamingSubscription{Folders: folders, Events: events}}
	if pull {
		req = &soap.Subscribe{Pull: &soap.PullSubscription{Folders: folders, Events: events, Timeout: pullLasts}}
	}
	res, err := client.Subscribe(ctx, as, req)
	b.secrets.learn(who, as.Credentials, err)
	if err != nil {
		return subscription{}, unsupported(err)
	}
	m, err := one(res.Messages)
	if err != nil {
		return subscription{}, unsupported(err)
	}
	if m.SubscriptionID == "" {
		return subscription{}, unsupported(errors.New("a subscription without an id"))
	}
	return subscription{m.SubscriptionID, m.Watermark}, nil
}

// anchor is the mailbox whose back end the subscriptions of a host stay with.
func (b bellHost) anchor(mailbox string) string {
	if b.alone() {
		return mailbox
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.anchored == "" {
		b.anchored = mailbox
	}
	return b.anchored
}

// unsupported marks errors that mean that the server has no such notifications.
func unsupported(err error) error {
	if soap.Unsupported(err) || soap.Code(err) == "ErrorSubscriptionDelegateAccessNotSupported" {
		return errors.Join(errUnsupported, err)
	}
	return err
}

func (b bellHost) unsubscribe(ctx context.Context, at post, id string) error {
	client, as, _, err := b.mailbox(ctx, at.who)
	if err != nil {
		return err
	}
	as.Anchor = b.anchor(as.Anchor)
	res, err := client.Unsubscribe(ctx, as, &soap.Unsubscribe{SubscriptionID: id})
	b.secrets.learn(at.who, as.Credentials, err)
	if err == nil {
		_, err = one(res.Messages)
	}
	return err
}

func (b bellHost) stream(ctx context.Context, anchor portal.Address, ids []string, minutes int, heard func(word)) error {
	client, as, _, err := b.mailbox(ctx, anchor)
	if err != nil {
		return err
	}
	as.Anchor = b.anchor(as.Anchor)
	err = client.Stream(ctx, as, ids, minutes, func(n soap.Notification) error {
		w := word{}
		if n.SubscriptionID != "" && len(n.Events) > 0 {
			w.rang = []string{n.SubscriptionID}
		}
		heard(w)
		return nil
	})
	b.secrets.learn(anchor, as.Credentials, err)
	var lost *soap.SubscriptionsError
	switch {
	case errors.As(err, &lost):
		heard(word{dead: lost.IDs})
	case soap.SubscriptionLost(err) && soap.Code(err) != "ErrorNewEventStreamConnectionOpened":
		heard(word{dead: ids})
	case errors.Is(err, soap.ErrSilent):
		return errSilent
	}
	return unsupported(err)
}

func (b bellHost) events(ctx context.Context, at post, s subscription) (subscription, bool, error) {
	client, as, _, err := b.mailbox(ctx, at.who)
	if err != nil {
		return s, false, err
	}
	as.Anchor = b.anchor(as.Anchor)
	rang := false
	for range 20 { // MoreEvents is no reason to ask for ever
		res, err := client.GetEvents(ctx, as, &soap.GetEvents{SubscriptionID: s.id, Watermark: s.watermark})
		b.secrets.learn(at.who, as.Credentials, err)
		if err != nil {
			return s, rang, unsupported(err)
		}
		m, err := one(res.Messages)
		if err != nil {
			return s, rang, err
		}
		if m.Notification == nil {
			return s, rang, nil
		}
		for _, e := range m.Notification.Events {
			rang = rang || e.Kind != soap.StatusEvent
			if strings.TrimSpace(e.Watermark) != "" {
				s.watermark = e.Watermark
			}
		}
		if !soap.Is(m.Notification.MoreEvents) {
			break
		}
	}
	return s, rang, nil
}
