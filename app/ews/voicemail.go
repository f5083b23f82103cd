package ews

import (
	"context"

	"portico/app/portal"
)

// Voicemails lists voice mail.
func (c *Connector) Voicemails(ctx context.Context, owner portal.Address) ([]portal.Voicemail, error) {
	return nil, portal.Fail(portal.ErrUnavailable, "exchange.down")
}

// Recording is the audio of a voice message.
func (c *Connector) Recording(ctx context.Context, owner portal.Address, v portal.Voicemail, max int64) (mediaType string, audio []byte, err error) {
	return "", nil, portal.Fail(portal.ErrUnavailable, "exchange.down")
}

// MarkHeard marks a voice message.
func (c *Connector) MarkHeard(ctx context.Context, owner portal.Address, id string, heard bool) error {
	return portal.Fail(portal.ErrUnavailable, "exchange.down")
}

// DeleteVoicemail deletes a voice message.
func (c *Connector) DeleteVoicemail(ctx context.Context, owner portal.Address, id string) error {
	return portal.Fail(portal.ErrUnavailable, "exchange.down")
}

// WatchVoicemail has rung called when voice mail may have changed.
func (c *Connector) WatchVoicemail(owner portal.Address, rung func()) {}

// UnwatchVoicemail ends a watch.
func (c *Connector) UnwatchVoicemail(owner portal.Address) {}
