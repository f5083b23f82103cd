package main

// Conversations, missed calls and voice mail in Exchange, through the door. Where no server is configured there is no
// door, and whoever asks is told so.

import (
	"context"
	"errors"

	"portico/app/calls"
	"portico/app/ews"
	"portico/app/history"
	"portico/app/portal"
)

var (
	_ history.Mail    = (*exchangeDoor)(nil)
	_ calls.Notes     = (*exchangeDoor)(nil)
	_ calls.Voicemail = (*exchangeDoor)(nil)
	_ history.Mail    = (*ews.Connector)(nil)
	_ calls.Notes     = (*ews.Connector)(nil)
	_ calls.Voicemail = (*ews.Connector)(nil)
)

// connector is the one in use; an error that means ErrUnavailable where there is none.
func (d *exchangeDoor) connector() (*ews.Connector, error) {
	if d == nil {
		return nil, portal.Fail(portal.ErrUnavailable, "exchange.down").Because(errors.New("no Exchange server is configured"))
	}
	return d.now.Load(), nil
}

// WriteNote is the connector's.
func (d *exchangeDoor) WriteNote(ctx context.Context, owner portal.Address, n portal.ConversationNote) (itemID, changeKey string, err error) {
	c, err := d.connector()
	if err != nil {
		return "", "", err
	}
	return c.WriteNote(ctx, owner, n)
}

// Notes is the connector's.
func (d *exchangeDoor) Notes(ctx context.Context, owner portal.Address, q portal.HistoryQuery) (notes []portal.ConversationNote, next string, err error) {
	c, err := d.connector()
	if err != nil {
		return nil, "", err
	}
	return c.Notes(ctx, owner, q)
}

// Note is the connector's.
func (d *exchangeDoor) Note(ctx context.Context, owner portal.Address, itemID string) (portal.ConversationNote, error) {
	c, err := d.connector()
	if err != nil {
		return portal.ConversationNote{}, err
	}
	return c.Note(ctx, owner, itemID)
}

// DeleteNote is the connector's.
func (d *exchangeDoor) DeleteNote(ctx context.Context, owner portal.Address, itemID string) error {
	c, err := d.connector()
	if err != nil {
		return err
	}
	return c.DeleteNote(ctx, owner, itemID)
}

// Voicemails is the connector's.
func (d *exchangeDoor) Voicemails(ctx context.Context, owner portal.Address) ([]portal.Voicemail, error) {
	c, err := d.connector()
	if err != nil {
		return nil, err
	}
	return c.Voicemails(ctx, owner)
}

// Recording is the connector's.
func (d *exchangeDoor) Recording(ctx context.Context, owner portal.Address, v portal.Voicemail, max int64) (mediaType string, audio []byte, err error) {
	c, err := d.connector()
	if err != nil {
		return "", nil, err
	}
	return c.Recording(ctx, owner, v, max)
}

// MarkHeard is the connector's.
func (d *exchangeDoor) MarkHeard(ctx context.Context, owner portal.Address, id string, heard bool) error {
	c, err := d.connector()
	if err != nil {
		return err
	}
	return c.MarkHeard(ctx, owner, id, heard)
}

// DeleteVoicemail is the connector's.
func (d *exchangeDoor) DeleteVoicemail(ctx context.Context, owner portal.Address, id string) error {
	c, err := d.connector()
	if err != nil {
		return err
	}
	return c.DeleteVoicemail(ctx, owner, id)
}

// WatchVoicemail is the connector's. A connector that takes its place watches the same mailboxes.
func (d *exchangeDoor) WatchVoicemail(owner portal.Address, rung func()) {
	if d == nil {
		return
	}
	d.listening.Lock()
	defer d.listening.Unlock()
	if d.voices == nil {
		d.voices = map[portal.Address]func(){}
	}
	d.voices[owner] = rung
	d.now.Load().WatchVoicemail(owner, rung)
}

// UnwatchVoicemail is the connector's.
func (d *exchangeDoor) UnwatchVoicemail(owner portal.Address) {
	if d == nil {
		return
	}
	d.listening.Lock()
	defer d.listening.Unlock()
	delete(d.voices, owner)
	d.now.Load().UnwatchVoicemail(owner)
}

// listenAgain has the connector in use watch the voice mail that the one before it watched.
func (d *exchangeDoor) listenAgain() {
	d.listening.Lock()
	defer d.listening.Unlock()
	for owner, rung := range d.voices {
		d.now.Load().WatchVoicemail(owner, rung)
	}
}
