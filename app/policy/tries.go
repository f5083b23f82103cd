package policy

// How long somebody waits after wrong passwords.

import (
	"strconv"
	"time"
)

// Tries says how wrong tries are answered: the first Free of them cost nothing, each further one
// doubles the wait from First up to Max, and one is forgotten for each Forget of quiet.
type Tries struct {
	Free               int
	First, Max, Forget time.Duration
}

// AccountTries is for one account as tried from one remote address: a person who mistypes notices nothing, a
// guesser gets some hundred tries in the first day, and whoever else tries the account from elsewhere does
// not feel it.
func AccountTries() Tries {
	return Tries{Free: 4, First: time.Second, Max: 15 * time.Minute, Forget: 10 * time.Minute}
}

// CeilingTries is for one account from all remote addresses together: it slows down those who guess from very
// many, and never holds the account's person up for longer than a minute.
func CeilingTries() Tries {
	return Tries{Free: 100, First: time.Second, Max: time.Minute, Forget: 10 * time.Minute}
}

// RemoteTries is for one remote address and counts accounts, not tries: many people share one address,
// few of them have forgotten their password at the same time.
func RemoteTries() Tries {
	return Tries{Free: 20, First: time.Second, Max: 30 * time.Second, Forget: time.Minute}
}

// Failures is what is remembered of wrong tries. The zero value remembers none.
type Failures struct {
	Count int
	Last  time.Time
}

// Wait is how long after now the next try is taken; zero: at once.
func (t Tries) Wait(f Failures, now time.Time) time.Duration {
	over := t.at(f, now) - t.Free
	if over <= 0 {
		return 0
	}
	delay := t.Max
	if over <= 30 {
		delay = min(t.First<<(over-1), t.Max)
	}
	return max(0, f.Last.Add(delay).Sub(now))
}

// Spent reports whether more tries were wrong than cost nothing.
func (t Tries) Spent(f Failures, now time.Time) bool { return t.at(f, now) > t.Free }

// AtOnce is how many tries may be under way at the same time: were all of them wrong, the first wait would
// begin. It is at least one.
func (t Tries) AtOnce(f Failures, now time.Time) int { return max(1, t.Free+1-t.at(f, now)) }

// Failed is f after one more wrong try at now.
func (t Tries) Failed(f Failures, now time.Time) Failures {
	return Failures{Count: min(t.at(f, now)+1, 1000), Last: now}
}

// Forgotten reports whether nothing of f counts any more at now.
func (t Tries) Forgotten(f Failures, now time.Time) bool { return t.at(f, now) == 0 }

// at is how many failures still count at now.
func (t Tries) at(f Failures, now time.Time) int {
	quiet := now.Sub(f.Last)
	if f.Count <= 0 || quiet < 0 {
		return max(0, f.Count)
	}
	return int(max(0, int64(f.Count)-int64(quiet/t.Forget)))
}

func itoa(n int) string { return strconv.Itoa(n) }
