package merge

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"portico/app/portal"
)

func TestAgreedIsReadAsItWasWritten(t *testing.T) {
	for seed := range uint64(200) {
		r := chance{rand.New(rand.NewPCG(seed, 9))}
		rec := r.record()
		for range 5 {
			r.change(&rec.Entry, false)
		}
		other := clone(rec)
		r.change(&other.Entry, true)
		users := NewUsers(testUsers())
		a := Agreed{CRM: OfCRM(*rec, users), Exchange: OfExchange(other.Entry, users)}
		data, err := a.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		b, err := ReadAgreed(data)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !equal(&a.CRM, &b.CRM) || !equal(&a.Exchange, &b.Exchange) {
			t.Fatalf("seed %d: %v became %v", seed, words(&a.CRM), words(&b.CRM))
		}
		again, err := b.Bytes()
		if err != nil || !bytes.Equal(data, again) {
			t.Fatalf("seed %d: written again it is another, %v", seed, err)
		}
	}
}

func TestAgreedThatIsNoneIsRefused(t *testing.T) {
	for _, bad := range []string{"", "{}", "null", `{"form":2,"crm":{}}`, `{"form":1}`, `{"form":1,"crm":{}} x`, `{"form":1,"crm":{"deleted":["x"]}}`,
		`{"form":1,"crm":{"exceptions":{"20270301T080000Z":{"exceptions":{"20270301T080000Z":{}}}}}}`, `{"form":1,"crm":{"exceptions":{"no":{}}}}`,
		`{"form":1,"crm":{"start":"x"}}`, `{"form":1,"crm":{"subject":"` + strings.Repeat("x", MaxAgreed) + `"}}`} {
		if _, err := ReadAgreed([]byte(bad)); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%.60s: %v", bad, err)
		}
	}
}

func TestPairWhoseAgreementCannotBeReadIsAdoptedAnew(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.pair.Agreed = []byte("damaged")
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "Later" })
	w.sync()
	w.wantSame()
	if len(w.mails) != 0 || w.item(alice).Entry.Subject != "Later" {
		t.Errorf("mail %v, entry %q", w.mails, w.item(alice).Entry.Subject)
	}
}

func FuzzAgreed(f *testing.F) {
	r := chance{rand.New(rand.NewPCG(1, 1))}
	rec := r.record()
	for range 6 {
		r.change(&rec.Entry, false)
	}
	data, err := Agreed{CRM: OfCRM(*rec, NewUsers(testUsers())), Exchange: Content{Subject: "x", Start: start, End: start}}.Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"form":1,"crm":{"start":"2027-03-01T08:00:00Z","end":"2027-03-01T09:00:00Z","rule":"FREQ=DAILY","deleted":["20270302T080000Z"]}}`))
	f.Add([]byte(`{"form":1,"crm":{"zone":"Mars/Base","attendees":[{"key":"a"},{"key":"a"}],"files":[{"name":"x"},{"name":"X"}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := ReadAgreed(data)
		if err != nil {
			if !errors.Is(err, portal.ErrInvalid) {
				t.Fatalf("error without a meaning: %v", err)
			}
			return
		}
		again, err := a.Bytes()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := ReadAgreed(again); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		// Whatever it says, a plan comes of it.
		w := &world{t: t, users: testUsers(), options: Options{ToExchange: true, ToCRM: true}, now: start}
		w.record = crmRecord(guest(bob))
		w.record.Recurrence = "FREQ=DAILY;COUNT=3"
		w.deliver(w.entry(alice, alice, guest(carol)))
		w.pair = &portal.SyncPair{CRM: "crm-1", UID: "uid-x", Mailbox: alice, RemoteID: w.items[0].Entry.RemoteID, Agreed: data}
		fa := w.facts()
		s := Plan(fa)
		if len(s.List) == 0 {
			t.Fatal("a plan without a step")
		}
		if s.Pair != nil {
			if _, _, err := Settle(fa, s, w.record, &w.items[0].Entry); err != nil {
				t.Fatal(err)
			}
		}
	})
}
