package main

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"portico/app/ews"
	"portico/app/ews/ewslab"
	"portico/app/ews/ewstest"
	"portico/app/portal"
)

// Without a server there is neither history nor voice mail in Exchange, and whoever asks hears that it is away.
func TestNoExchangeIsSaidToWhoeverAsksForMail(t *testing.T) {
	var d *exchangeDoor
	ctx, alice := t.Context(), portal.MustAddress("alice@example.test")
	_, _, write := d.WriteNote(ctx, alice, portal.ConversationNote{})
	_, _, list := d.Notes(ctx, alice, portal.HistoryQuery{})
	_, note := d.Note(ctx, alice, "x")
	_, mails := d.Voicemails(ctx, alice)
	_, _, record := d.Recording(ctx, alice, portal.Voicemail{}, 1)
	for what, err := range map[string]error{"write": write, "list": list, "read": note, "delete": d.DeleteNote(ctx, alice, "x"), "voice mail": mails, "recording": record,
		"heard": d.MarkHeard(ctx, alice, "x", true), "put away": d.DeleteVoicemail(ctx, alice, "x")} {
		if portal.Meaning(err) != portal.ErrUnavailable {
			t.Errorf("%s: %v", what, err)
		}
	}
	d.WatchVoicemail(alice, func() { t.Error("it rang") })
	d.UnwatchVoicemail(alice)
}

// Whose voice mail is listened for stays so when the server is exchanged.
func TestVoiceMailIsListenedForAtTheNextServer(t *testing.T) {
	one, two := labServer(t, "alice", "bob"), labServer(t, "alice", "bob")
	options := func(s *ewslab.Server) ews.Options {
		return ews.Options{Domain: "example.test", Logger: slog.New(slog.DiscardHandler), Bells: ews.Bells{Gather: 10 * time.Millisecond},
			Servers: []ews.Server{{Name: "primary", URL: s.URL(), Auth: "basic", Username: labService, Password: labPassword, Impersonate: true}}}
	}
	d, err := newExchangeDoor(options(one))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	alice, bob := portal.MustAddress("alice@example.test"), portal.MustAddress("bob@example.test")
	rang := make(chan portal.Address, 1000)
	for _, who := range []portal.Address{alice, bob} {
		d.WatchVoicemail(who, func() {
			select {
			case rang <- who:
			default: // the test has heard enough
			}
		})
	}
	heard := func(what string, who portal.Address) {
		t.Helper()
		limit := time.After(longest)
		for {
			select {
			case got := <-rang:
				if got == who {
					return
				}
			case <-limit:
				t.Fatalf("%s: %s did not ring", what, who)
			}
		}
	}
	heard("at first", alice)
	heard("at first", bob)
	d.UnwatchVoicemail(bob)
	second, err := d.connect(options(two))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.replace(ctx, second); err != nil {
		t.Fatal(err)
	}
	leave := func() {
		t.Helper()
		if _, err := two.LeaveVoicemail(ctx, ewslab.VoiceMessage{Mailbox: "alice"}); err != nil {
			t.Fatal(err)
		}
	}
	leave()
	if !ewstest.Eventually(longest, func() bool {
		list, err := d.Voicemails(ctx, alice)
		return err == nil && len(list) == 1
	}) {
		t.Fatal("the second server is not asked")
	}
	heard("when the second server is listened to", alice)
	for len(rang) > 0 {
		<-rang
	}
	leave()
	heard("at the second server", alice)
}
