package policy

import (
	"testing"
	"time"
)

func TestTriesGrowAndAreForgotten(t *testing.T) {
	rule := AccountTries()
	var f Failures
	now := noon
	want := []time.Duration{0, 0, 0, 0, 1 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}
	for i, w := range want {
		f = rule.Failed(f, now)
		if got := rule.Wait(f, now); got != w {
			t.Errorf("after %d wrong tries: wait %v, want %v", i+1, got, w)
		}
	}
	if got := rule.Wait(f, now.Add(5*time.Second)); got != 3*time.Second {
		t.Errorf("after five of eight seconds: wait %v", got)
	}
	for range 200 {
		f = rule.Failed(f, now)
	}
	if got := rule.Wait(f, now); got != rule.Max {
		t.Errorf("the longest wait is %v", got)
	}
	if got := rule.Wait(f, now.Add(rule.Max)); got != 0 {
		t.Errorf("after the longest wait: %v", got)
	}
}

func TestTriesForget(t *testing.T) {
	rule := AccountTries()
	f := Failures{Count: 6, Last: noon}
	if rule.Forgotten(f, noon.Add(5*rule.Forget)) {
		t.Error("forgotten too early")
	}
	if !rule.Forgotten(f, noon.Add(6*rule.Forget)) {
		t.Error("not forgotten")
	}
	// Two of six are forgotten, so one more makes five.
	if f = rule.Failed(f, noon.Add(2*rule.Forget)); f.Count != 5 {
		t.Errorf("counts %d", f.Count)
	}
	if rule.Wait(Failures{}, noon) != 0 || !rule.Forgotten(Failures{}, noon) {
		t.Error("nobody failed, yet something is remembered")
	}
}

// Whatever is under way at once, no more tries than Free and one can go wrong before the first wait.
func TestTriesAtOnce(t *testing.T) {
	rule := RemoteTries()
	var f Failures
	for wrong := range rule.Free + 3 {
		if got, want := rule.AtOnce(f, noon), max(1, rule.Free+1-wrong); got != want {
			t.Errorf("after %d wrong tries: %d at once, want %d", wrong, got, want)
		}
		if got, want := rule.Spent(f, noon), wrong > rule.Free; got != want {
			t.Errorf("after %d wrong tries: spent %v", wrong, got)
		}
		f = rule.Failed(f, noon)
	}
	if later := noon.Add(time.Duration(f.Count) * rule.Forget); rule.Spent(f, later) || rule.AtOnce(f, later) != rule.Free+1 {
		t.Error("what is forgotten still counts")
	}
}

// One guesser at the pace of their own address never reaches the ceiling, which holds everybody up.
func TestOneGuesserDoesNotReachTheCeiling(t *testing.T) {
	own, all := AccountTries(), CeilingTries()
	var f, g Failures
	for now := noon; now.Before(noon.Add(72 * time.Hour)); now = now.Add(own.Wait(f, now)) {
		if all.Wait(g, now) > 0 {
			t.Fatalf("reached after %v", now.Sub(noon))
		}
		f, g = own.Failed(f, now), all.Failed(g, now)
	}
	for range 1000 {
		g = all.Failed(g, noon)
	}
	if got := all.Wait(g, noon); got != time.Minute {
		t.Errorf("the person is held up for %v", got)
	}
}

// Over a day of guessing as fast as it is allowed, a guesser gets few tries.
func TestTriesBoundAGuesser(t *testing.T) {
	rule := AccountTries()
	var f Failures
	tries := 0
	for now := noon; now.Before(noon.Add(24 * time.Hour)); tries++ {
		now = now.Add(rule.Wait(f, now))
		f = rule.Failed(f, now)
		now = now.Add(time.Millisecond)
	}
	if tries > 160 {
		t.Errorf("%d tries in a day", tries)
	}
}
