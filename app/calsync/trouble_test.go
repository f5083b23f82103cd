package calsync

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// The e-mail that tells administrators of trouble.

func TestABrokenServerSendsOneMail(t *testing.T) {
	d := newDesk()
	st := `{"notify_email":"ivan@example.test"}`
	if err := d.SaveSyncBlob(t.Context(), blobSettings, []byte(st), 0); err != nil {
		t.Fatal(err)
	}
	running(t, d, func(t *testing.T, p *Panel) {
		if err := p.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			p.Trouble(Incident{Kind: keyAway, Server: "primary", Cause: fmt.Sprintf("connection refused %d", i%3)})
			p.Trouble(Incident{Kind: keyLost, Server: "primary", Mailbox: "sip:bob@example.test", Cause: "no rights"})
			if i%100 == 0 {
				time.Sleep(time.Minute) // fake
			}
		}
		time.Sleep(time.Hour)
		mails := d.mailed()
		if len(mails) != 1 {
			t.Fatalf("%d mails: %q", len(mails), mails)
		}
		for _, want := range []string{"ivan@example.test\nPortico: 2 troubles", "primary: does not answer", "connection refused", "bob@example.test on primary: cannot be opened", "https://portal.example.test/admin/sync"} {
			if !strings.Contains(mails[0], want) {
				t.Errorf("the mail lacks %q:\n%s", want, mails[0])
			}
		}
		time.Sleep(24 * time.Hour)
		if n := len(d.mailed()); n != 2 {
			t.Errorf("after a day of the same there were %d mails", n)
		}
		p.Trouble(Incident{Kind: keyAway, Server: "primary", Over: true})
		p.Trouble(Incident{Kind: keyLost, Server: "primary", Mailbox: "sip:bob@example.test", Over: true})
		time.Sleep(time.Hour)
		if mails = d.mailed(); len(mails) != 3 || !strings.Contains(mails[2], "works again") || !strings.Contains(mails[2], "Over: primary: does not answer") {
			t.Errorf("after its end: %q", mails[2:])
		}
		// What was over before anybody was told stays untold.
		p.Trouble(Incident{Kind: keyAway, Server: "primary"})
		p.Trouble(Incident{Kind: keyAway, Server: "primary", Over: true})
		time.Sleep(time.Hour)
		if n := len(d.mailed()); n != 3 {
			t.Errorf("a moment's trouble made mail %d", n)
		}
	})
}

func TestARestartSendsNothingAnewAndAnAbsentMailServerIsTriedAgain(t *testing.T) {
	d := newDesk()
	if err := d.SaveSyncBlob(t.Context(), blobSettings, []byte(`{"notify_email":"ivan@example.test"}`), 0); err != nil {
		t.Fatal(err)
	}
	d.noMail = errors.New("connection refused")
	running(t, d, func(t *testing.T, p *Panel) {
		if err := p.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.Trouble(Incident{Kind: keyAway, Server: "primary"})
		time.Sleep(10 * time.Minute)
		d.mu.Lock()
		d.noMail = nil
		d.mu.Unlock()
		time.Sleep(time.Hour)
		if n := len(d.mailed()); n != 1 {
			t.Errorf("%d mails once the mail server was back", n)
		}
	})
	running(t, d, func(t *testing.T, p *Panel) {
		if err := p.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.Trouble(Incident{Kind: keyAway, Server: "primary"})
		time.Sleep(time.Hour)
		if n := len(d.mailed()); n != 1 {
			t.Errorf("%d mails after a restart", n)
		}
	})
}

func TestManyMailboxesWithTheSameTroubleAreOneMail(t *testing.T) {
	d := newDesk()
	if err := d.SaveSyncBlob(t.Context(), blobSettings, []byte(`{"notify_email":"ivan@example.test"}`), 0); err != nil {
		t.Fatal(err)
	}
	running(t, d, func(t *testing.T, p *Panel) {
		if err := p.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		mailbox := func(i int) portal.Address { return portal.Address(fmt.Sprintf("sip:u%02d@example.test", i)) }
		for i := range 30 { // a service account that has expired is found out mailbox by mailbox
			p.Trouble(Incident{Kind: keyLost, Server: "primary", Mailbox: mailbox(i), Cause: "401"})
			time.Sleep(time.Minute)
		}
		if n := len(d.mailed()); n != 1 {
			t.Errorf("%d mails while mailboxes of one server fail one by one", n)
		}
		// Another server with the same trouble waits its hour, another kind of trouble does not.
		p.Trouble(Incident{Kind: keyLost, Server: "second", Mailbox: "sip:zoe@example.test", Cause: "401"})
		time.Sleep(time.Minute)
		if n := len(d.mailed()); n != 1 {
			t.Errorf("more of the same was mailed at once: %d", n)
		}
		p.Trouble(Incident{Kind: keyAway, Server: "second"})
		time.Sleep(time.Minute)
		mails := d.mailed()
		if len(mails) != 2 || !strings.Contains(mails[1], "second: does not answer") || !strings.Contains(mails[1], "u09@example.test and 20 more on primary: cannot be opened") {
			t.Fatalf("another kind of trouble: %d mails, the last %s", len(mails), mails[len(mails)-1])
		}
		for i := range 30 {
			p.Trouble(Incident{Kind: keyLost, Server: "primary", Mailbox: mailbox(i), Over: true})
		}
		p.Trouble(Incident{Kind: keyLost, Server: "second", Mailbox: "sip:zoe@example.test", Over: true})
		p.Trouble(Incident{Kind: keyAway, Server: "second", Over: true})
		time.Sleep(time.Hour)
		if mails = d.mailed(); len(mails) != 3 || !strings.Contains(mails[2], "works again") {
			t.Errorf("after the end of all: %d mails", len(mails))
		}
	})
}

func TestARefusalIsToldOnce(t *testing.T) {
	d := newDesk()
	if err := d.SaveSyncBlob(t.Context(), blobSettings, []byte(`{"notify_email":"ivan@example.test"}`), 0); err != nil {
		t.Fatal(err)
	}
	running(t, d, func(t *testing.T, p *Panel) {
		if err := p.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.Trouble(Incident{Kind: keyRefused, Server: "primary", Mailbox: "sip:bob@example.test", Cause: "ErrorCalendarEndDateIsEarlierThanStartDate"})
		time.Sleep(10 * 24 * time.Hour)
		if mails := d.mailed(); len(mails) != 1 || !strings.Contains(mails[0], "bob@example.test on primary: refused a change") {
			t.Errorf("a change that was refused made %d mails", len(mails))
		}
		p.Trouble(Incident{Kind: keyAway, Server: "primary"})
		time.Sleep(time.Minute)
		p.Trouble(Incident{Kind: keyAway, Server: "primary", Over: true})
		time.Sleep(time.Hour)
		if mails := d.mailed(); len(mails) != 3 || !strings.Contains(mails[2], "works again") {
			t.Errorf("an outage afterwards: %d mails", len(mails))
		}
	})
}
