package presence

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

func TestActivity(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.want("nobody is there", b.orders())
		b.Attach(alice, "tab1")
		b.want("come", b.orders(), "alice available/")
		b.Active(alice, "tab1")
		time.Sleep(3 * time.Hour) // the browser would say when there is no input
		b.want("at it all the time", b.orders())
		b.Idle(alice, "tab1")
		b.want("five minutes without input", b.orders(), "alice available/inactive")
		since := b.Own(alice).Since
		time.Sleep(10*time.Minute - time.Second)
		b.want("not quite away", b.orders())
		time.Sleep(2 * time.Second)
		b.want("fifteen minutes", b.orders(), "alice away/")
		if p := b.Own(alice); p.Availability != portal.Away || time.Since(p.Since) > 2*time.Second || !p.Since.After(since) {
			t.Errorf("own presence %+v", p)
		}
		b.Active(alice, "tab1")
		b.want("back", b.orders(), "alice available/")
	})
}

// Two tabs: input in one is input of the person, idleness of one is nothing.
func TestActivityIsThatOfAllTabs(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.Attach(alice, "tab1")
		b.Active(alice, "tab1")
		b.Attach(alice, "tab2")
		b.Idle(alice, "tab2")
		time.Sleep(time.Hour)
		b.want("a background tab is not idleness", b.orders(), "alice available/")
		b.Detach(alice, "tab1")
		time.Sleep(4 * time.Minute)
		b.want("input was minutes ago", b.orders())
		time.Sleep(2 * time.Minute)
		b.want("the other tab had none", b.orders(), "alice available/inactive")
		time.Sleep(10 * time.Minute)
		b.want("nor later", b.orders(), "alice away/")
		b.Attach(alice, "tab3")
		b.want("a reconnect tells nothing", b.orders())
		b.Active(alice, "tab3")
		b.want("input does", b.orders(), "alice available/")
	})
}

// A client that never says anything counts as input when it came.
func TestASilentConnectionAges(t *testing.T) {
	at(t, Options{InactiveAfter: time.Minute, AwayAfter: 2 * time.Minute}, func(b *bench) {
		b.signIn(alice)
		b.Attach(alice, "sse")
		time.Sleep(61 * time.Second)
		b.want("after a minute", b.orders(), "alice available/", "alice available/inactive")
		time.Sleep(time.Minute)
		b.want("after two", b.orders(), "alice away/")
	})
}

func TestGrace(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.Attach(alice, "tab1")
		b.Active(alice, "tab1")
		b.orders()
		b.Detach(alice, "tab1")
		time.Sleep(14 * time.Second)
		b.Attach(alice, "tab2") // another page
		time.Sleep(time.Minute)
		b.want("a page change", b.orders())
		b.Detach(alice, "tab2")
		b.Detach(alice, "tab2")
		time.Sleep(16 * time.Second)
		b.want("closed", b.orders(), "alice gone")
		b.Notified(alice, says(alice))
		if p := b.Own(alice); p.Availability != portal.Offline {
			t.Errorf("own presence %+v", p)
		}
		b.Attach(alice, "tab3")
		b.want("come again", b.orders(), "alice available/")
	})
}

func TestTouch(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.Touch(alice)
		b.want("a page without script", b.orders(), "alice available/")
		time.Sleep(4 * time.Minute)
		b.Touch(alice)
		time.Sleep(4 * time.Minute)
		b.want("another", b.orders())
		time.Sleep(62 * time.Second)
		b.want("no more", b.orders(), "alice gone")
		// With script, the page's connection decides alone.
		b.Touch(alice)
		b.Attach(alice, "tab1")
		b.Detach(alice, "tab1")
		time.Sleep(16 * time.Second)
		b.want("closed", b.orders(), "alice available/", "alice gone")
	})
}

func TestByHandUntilItsEnd(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.Attach(alice, "tab1")
		b.Active(alice, "tab1")
		b.orders()
		until := time.Now().Add(time.Hour)
		p, err := b.SetByHand(b.t.Context(), alice, portal.Manual{Availability: portal.DoNotDisturb, Until: until})
		if err != nil || p.Availability != portal.DoNotDisturb || !p.ByHand || !p.Until.Equal(until) {
			t.Fatalf("set %+v, %v", p, err)
		}
		b.want("told", b.news(alice), "alice available/", "alice do-not-disturb/")
		b.Idle(alice, "tab1")
		time.Sleep(30 * time.Minute)
		b.want("idleness does not touch it", b.orders(), "alice do-not-disturb/")
		b.Active(alice, "tab1")
		time.Sleep(29*time.Minute + 59*time.Second)
		b.want("nor does input", b.orders())
		time.Sleep(2 * time.Second)
		b.want("its end", b.orders(), "alice available/")
		p = b.Own(alice)
		if p.ByHand || time.Since(p.Since) > 2*time.Second {
			t.Errorf("after the end %+v", p)
		}
		b.want("told of the end", b.news(alice), "alice available/")
	})
}

func TestByHandOverReconnectAndRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := newMemory()
		newBench(t, mem, Options{}, func(b *bench) {
			b.signIn(alice)
			b.Attach(alice, "tab1")
			note := "in the lab"
			if _, err := b.SetByHand(b.t.Context(), alice, portal.Manual{Availability: portal.Busy, Activity: "custom-3", Note: &note}); err != nil {
				t.Fatal(err)
			}
			b.orders()
			b.Detach(alice, "tab1")
			time.Sleep(time.Hour)
			b.want("closed", b.orders(), "alice gone")
			b.Attach(alice, "tab2")
			b.want("come again", b.orders(), "alice busy/custom-3")
			b.SignedOut(alice)
			b.want("signed out", b.orders())
			b.signIn(alice)
			b.Attach(alice, "tab3")
			b.want("signed in again", b.orders(), "alice busy/custom-3")
		})
		time.Sleep(time.Minute)
		newBench(t, mem, Options{}, func(b *bench) {
			b.Attach(alice, "tab1") // browsers may be quicker than the line
			b.want("not published yet", b.orders())
			b.signIn(alice)
			b.want("after the restart", b.orders(), "alice busy/custom-3")
			if p := b.Own(alice); p.Note != "in the lab" || time.Since(p.Since) < time.Hour {
				t.Errorf("own presence %+v", p)
			}
			if p, err := b.Reset(b.t.Context(), alice); err != nil || p.Availability != portal.Available || p.Note != "in the lab" {
				t.Errorf("reset %+v, %v", p, err)
			}
			b.want("reset", b.orders(), "alice available/")
			if p, err := b.SetNote(b.t.Context(), alice, " ", time.Time{}); err != nil || p.Note != "" {
				t.Errorf("no note %+v, %v", p, err)
			}
		})
		newBench(t, mem, Options{}, func(b *bench) {
			b.signIn(alice)
			b.Attach(alice, "tab1")
			b.want("after reset and restart", b.orders(), "alice available/")
		})
	})
}

// What was set ended while the portal did not run.
func TestByHandEndsWhileDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := newMemory()
		newBench(t, mem, Options{}, func(b *bench) {
			b.signIn(alice)
			if _, err := b.SetByHand(b.t.Context(), alice, portal.Manual{Availability: portal.Offline, Until: time.Now().Add(time.Minute)}); err != nil {
				t.Fatal(err)
			}
			b.want("appears offline", b.orders(), "alice offline/")
		})
		time.Sleep(time.Hour)
		newBench(t, mem, Options{}, func(b *bench) {
			b.signIn(alice)
			b.Attach(alice, "tab1")
			b.want("later", b.orders(), "alice available/")
		})
	})
}

func TestByHandWithoutAConnection(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		if _, err := b.SetByHand(b.t.Context(), alice, portal.Manual{Availability: portal.Busy}); err != nil {
			t.Fatal(err)
		}
		b.want("set by a program", b.orders(), "alice busy/")
		time.Sleep(5*time.Minute + time.Second)
		b.want("which then is gone", b.orders(), "alice gone")
	})
}

func TestByHandRefusesAndFailsWhole(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.Attach(alice, "tab1")
		b.orders()
		if _, err := b.SetByHand(b.t.Context(), alice, portal.Manual{Availability: portal.Unknown}); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("unknown by hand: %v", err)
		}
		b.mem.away = true
		if _, err := b.SetByHand(b.t.Context(), alice, portal.Manual{Availability: portal.Busy}); !errors.Is(err, portal.ErrUnavailable) {
			t.Errorf("memory away: %v", err)
		}
		if _, err := b.SetNote(b.t.Context(), alice, "x", time.Time{}); !errors.Is(err, portal.ErrUnavailable) {
			t.Errorf("memory away: %v", err)
		}
		b.want("nothing has changed", b.orders())
	})
}

// Memory is away when somebody signs in: nothing is published until it is known what they had set.
func TestSignedInWhileMemoryIsAway(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.mem.manual[alice] = portal.Manual{Availability: portal.Offline, SetAt: time.Now()}
		b.mem.away = true
		if err := b.SignedIn(b.t.Context(), alice); !errors.Is(err, portal.ErrUnavailable) {
			t.Errorf("signed in: %v", err)
		}
		b.Attach(alice, "tab1")
		time.Sleep(10 * time.Second)
		b.want("nothing is guessed", b.orders())
		b.mem.mu.Lock()
		b.mem.away = false
		b.mem.mu.Unlock()
		time.Sleep(3 * time.Second)
		b.want("memory is back", b.orders(), "alice offline/")
	})
}

// Memory stays away for longer than one try while many sign in: all of them work when it is back.
func TestManySignedInWhileMemoryIsAway(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.mem.away = true
		everybody := []portal.Address{alice, bob, carol, dave}
		for _, who := range everybody {
			if err := b.SignedIn(b.t.Context(), who); !errors.Is(err, portal.ErrUnavailable) {
				t.Errorf("signed in: %v", err)
			}
		}
		time.Sleep(10 * time.Second)
		b.mem.mu.Lock()
		b.mem.away = false
		b.mem.mu.Unlock()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		for _, who := range everybody {
			if len(b.wire.watched(who)) == 0 {
				t.Errorf("%s is not read, nothing is watched for them", who.User())
			}
		}
	})
}

func TestOwnPresenceCountsOtherDevicesButNotItsEcho(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.Attach(alice, "tab1")
		b.Active(alice, "tab1")
		b.news(alice)
		echo := portal.Claim{Endpoint: "portico-i1", Availability: portal.Busy, Activity: portal.InACall, Source: portal.SourceCall}
		b.Notified(alice, says(alice, echo))
		b.want("our own old word", b.news(alice))
		other := portal.Claim{Endpoint: "portico-i12", Availability: portal.DoNotDisturb, Activity: portal.InAConference, Source: portal.SourceCall}
		b.Notified(alice, says(alice, echo, other))
		b.want("a call elsewhere", b.news(alice), "alice do-not-disturb/in-a-conference")
		if _, err := b.SetByHand(b.t.Context(), alice, portal.Manual{Availability: portal.BeRightBack}); err != nil {
			t.Fatal(err)
		}
		b.want("by hand, at once", b.news(alice), "alice be-right-back/")
		hand := portal.Claim{Endpoint: "phone", Availability: portal.DoNotDisturb, Source: portal.SourceHand, Since: time.Now().Add(time.Second)}
		b.Notified(alice, says(alice, echo, other, hand))
		b.want("by hand, elsewhere, later", b.news(alice), "alice do-not-disturb/")
		b.LineLost(alice)
		b.want("only our own word is left", b.news(alice), "alice be-right-back/")
	})
}

func TestNobodyIsRememberedForEver(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.Attach(alice, "tab1")
		b.Detach(alice, "tab1")
		b.SetContacts(bob, []portal.Address{alice})
		b.Touch(carol)
		b.signIn(dave)
		b.SetContacts(dave, []portal.Address{alice, bob})
		b.SignedOut(dave)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		b.Service.mu.Lock()
		defer b.Service.mu.Unlock()
		if len(b.people) != 0 || len(b.subjects) != 0 || len(b.later) != 0 {
			t.Errorf("%d people, %d subjects and %d plans are left", len(b.people), len(b.subjects), len(b.later))
		}
	})
}
