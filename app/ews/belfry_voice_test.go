package ews

// Bells of voice mail beside those of calendars.

import (
	"slices"
	"testing"
	"time"

	"portico/app/portal"
)

// voices are the bells of people's voice mail.
func voices(people []portal.Address) []post {
	out := calendars(people)
	for i := range out {
		out[i].voice = true
	}
	return out
}

// Calendars and voice mail share streams; each rings for itself.
func TestBellsOfVoiceMailShareStreams(t *testing.T) {
	inTower(t, 10, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, _ *ear) {
		var rang []post
		b.rang = func(at post) { rang = append(rang, at) }
		people := crowd(80)
		b.watch(append(calendars(people), voices(people)...))
		pass(time.Minute)
		if n, ids := tower.open(); n != 1 || ids != 160 {
			t.Fatalf("%d streams with %d subscriptions", n, ids)
		}
		for _, at := range []post{{people[3], true}, {people[3], false}} {
			rang = nil
			if !tower.ringAt(at) {
				t.Fatalf("%v is on no stream", at)
			}
			pass(time.Second)
			if !slices.Equal(rang, []post{at}) {
				t.Errorf("%v rang %v", at, rang)
			}
		}
		b.watch(calendars(people))
		pass(time.Minute)
		if _, ids := tower.open(); ids != 80 {
			t.Errorf("%d subscriptions when nobody listens for voice mail", ids)
		}
	})
}

// Where there are not places enough calendars have them; voice mail yields one that it has, and takes it again when it is free.
func TestBellsOfVoiceMailYield(t *testing.T) {
	inTower(t, 2, Bells{PerStream: 3}, func(t *testing.T, tower *bellTower, b *belfry, _ *ear) {
		subscribed := func() (books, mails int) {
			tower.set(func() {
				for _, at := range tower.subs {
					if at.voice {
						mails++
					} else {
						books++
					}
				}
			})
			return books, mails
		}
		people := crowd(6)
		b.watch(append(calendars(people[:3]), voices(people)...))
		pass(time.Minute)
		if books, mails := subscribed(); books != 3 || mails != 3 {
			t.Fatalf("%d calendars and %d voice mail", books, mails)
		}
		b.watch(append(calendars(people), voices(people)...))
		pass(time.Minute)
		if books, mails := subscribed(); books != 6 || mails != 0 {
			t.Errorf("%d calendars and %d voice mail after more calendars came", books, mails)
		}
		b.watch(append(calendars(people[:2]), voices(people)...))
		pass(5 * time.Minute)
		if books, mails := subscribed(); books != 2 || mails != 4 {
			t.Errorf("%d calendars and %d voice mail after calendars went", books, mails)
		}
	})
}

// With each person's own password their calendar and their voice mail are on one stream.
func TestBellsOfOnePersonShareTheirStream(t *testing.T) {
	inTower(t, 2, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, _ *ear) {
		tower.own = true
		b.watch(append(calendars(crowd(5)), voices(crowd(6))...))
		pass(time.Minute)
		if n, ids := tower.open(); n != 6 || ids != 11 {
			t.Errorf("%d streams with %d subscriptions", n, ids)
		}
	})
}
