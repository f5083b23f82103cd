package admin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// web is where files lie: a Fetcher over a table.
type web struct {
	mu    sync.Mutex
	files map[string]string
	fails map[string]error
	asked []string // "address marks" in order
	at    []time.Time
}

func newWeb() *web { return &web{files: map[string]string{}, fails: map[string]error{}} }

func (w *web) Fetch(ctx context.Context, address string, have Marks) (Fetched, error) {
	if err := ctx.Err(); err != nil {
		return Fetched{}, portal.Fail(portal.ErrUnavailable, "customstates.timeout").Because(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked, w.at = append(w.asked, address+" "+have.ETag), append(w.at, time.Now())
	if err := w.fails[address]; err != nil {
		return Fetched{}, err
	}
	body, ok := w.files[address]
	if !ok {
		return Fetched{}, portal.Fail(portal.ErrInvalid, "customstates.status").With("status", "404")
	}
	tag := Marks{ETag: "tag-" + body[max(0, len(body)-60):]}
	if have == tag {
		return Fetched{Marks: have, Unchanged: true}, nil
	}
	return Fetched{Marks: tag, Body: []byte(body)}, nil
}

func (w *web) put(address, body string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files[address], w.fails[address] = body, err
}

func (w *web) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.asked)
}

// file is a file with one state.
func file(text string) string {
	return `<customStates><customState ID="1" availability="busy"><activity LCID="1033">` + text + `</activity></customState></customStates>`
}

// english is the texts of states.
func english(states []portal.CustomState) string {
	var texts []string
	for _, s := range states {
		texts = append(texts, s.Texts.For(portal.EnglishLCID))
	}
	return strings.Join(texts, "|")
}

func TestUploadedStates(t *testing.T) {
	ctx := t.Context()
	h := build(t, newMemory(), nil, nil)
	must(t, h.UploadCustomStates(ctx, boss, fourStates(t)))
	h.expect(t, "upload", "all [CustomStateURL]")
	if got := english(h.States(ann)); got != "Working from home|At a customer's site|In the workshop & hard to hear|Interviewing" {
		t.Errorf("states %q", got)
	}
	err := h.UploadCustomStates(ctx, boss, []byte("<customStates>"))
	refusedWith(t, err, portal.ErrInvalid, "customstates.xml")
	if len(h.States(ann)) != 4 || len(policy.Faults(err)) != 1 {
		t.Error("a file that was refused holds")
	}
	must(t, h.UploadCustomStates(ctx, boss, append(fourStates(t), '\n')))
	h.expect(t, "the same in other words")
	again := build(t, h.store, nil, nil)
	sets, err := again.CustomStates(ctx)
	must(t, err)
	if len(sets) != 1 || sets[0].By != boss || !sets[0].At.Equal(noon()) || len(sets[0].XML) == 0 || len(again.States(ben)) != 4 {
		t.Errorf("after a restart: %+v", sets)
	}
	must(t, h.DropCustomStates(ctx, boss))
	must(t, h.DropCustomStates(ctx, boss))
	h.expect(t, "dropped", "all [CustomStateURL]")
	if h.States(ann) != nil || len(h.store.record) != 2 || !strings.HasPrefix(h.store.record[1].Before, "1 available: Working from home; 2 busy") {
		t.Errorf("record %+v", h.store.record)
	}
}

const (
	one = "https://one.example.test/states.xml"
	two = "https://two.example.test/states.xml"
)

// TestNewAddress: what is decidedly wrong with an address is said when it is set, what may pass is tried again.
func TestNewAddress(t *testing.T) {
	ctx := t.Context()
	w := newWeb()
	h := build(t, newMemory(), w, nil)
	must(t, h.UploadCustomStates(ctx, boss, []byte(file("Uploaded"))))
	refusedWith(t, h.SetRule(ctx, boss, ofPerson(portal.CustomStateURL, ann, one)), portal.ErrInvalid, "customstates.status")
	w.put(one, "<html>", nil)
	refusedWith(t, h.SetRule(ctx, boss, ofPerson(portal.CustomStateURL, ann, one)), portal.ErrInvalid, "customstates.root")
	w.put(one, "", portal.Fail(portal.ErrInvalid, "customstates.internal"))
	refusedWith(t, h.SetRule(ctx, boss, ofPerson(portal.CustomStateURL, ann, one)), portal.ErrInvalid, "customstates.internal")
	if english(h.States(ann)) != "Uploaded" || len(h.store.rules) != 0 {
		t.Error("a refused address holds")
	}
	w.put(one, file("One"), nil)
	must(t, h.SetRule(ctx, boss, ofPerson(portal.CustomStateURL, ann, one)))
	if english(h.States(ann)) != "One" || english(h.States(ben)) != "Uploaded" {
		t.Errorf("ann has %q, ben %q", english(h.States(ann)), english(h.States(ben)))
	}
	asked := w.count()
	must(t, h.SetRule(ctx, boss, ofPerson(portal.CustomStateURL, ben, one)))
	if w.count() != asked || english(h.States(ben)) != "One" {
		t.Error("an address that is known was asked again")
	}
	w.put(two, "", portal.Fail(portal.ErrUnavailable, "customstates.timeout"))
	must(t, h.SetRule(ctx, boss, ofPerson(portal.CustomStateURL, ann, two)))
	if h.States(ann) != nil {
		t.Errorf("states of an address that does not answer: %q", english(h.States(ann)))
	}
	sets, err := h.CustomStates(ctx)
	must(t, err)
	if len(sets) != 3 || sets[0].Source != "" || sets[1].Source != one || sets[1].Failed != "" || sets[2].Source != two || sets[2].Failed != "customstates.timeout" {
		t.Errorf("sets %+v", sets)
	}
	refusedWith(t, h.Failure(two), portal.ErrUnavailable, "customstates.timeout")
	w.put(two, file("Two"), nil)
	must(t, h.RefreshStates(ctx, two))
	if english(h.States(ann)) != "Two" || h.Failure(two) != nil || h.Failure("https://other.example.test/") != nil {
		t.Error("refreshed by hand")
	}
	refusedWith(t, h.RefreshStates(ctx, "https://other.example.test/"), portal.ErrNotFound, "customstates.no-address")
	h.store.breakAfter(0)
	w.put(two, file("Two again"), nil)
	if err := h.RefreshStates(ctx, two); !errors.Is(err, errAway) || english(h.States(ann)) != "Two" {
		t.Errorf("not stored: %v, %q", err, english(h.States(ann)))
	}
}

// TestSchedule: sets are looked at hourly with conditional requests; at failures later each time, and the set before holds on.
func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := newWeb()
		w.put(one, file("One"), nil)
		h := build(t, newMemory(), w, nil)
		must(t, h.SetRule(ctx, boss, everyone(portal.CustomStateURL, one)))
		over := make(chan error, 1)
		go func() { over <- h.Run(ctx) }()
		synctest.Wait()
		start := w.count()
		if start != 1 {
			t.Errorf("asked %v before its time", w.asked)
		}
		h.news()

		time.Sleep(67 * time.Minute) // an hour and a tenth, in the bubble's time
		synctest.Wait()
		if w.count() != 2 || !strings.HasPrefix(w.asked[1], one+" tag-") {
			t.Errorf("asked %v", w.asked)
		}
		h.expect(t, "nothing new")

		w.put(one, file("Another"), nil)
		time.Sleep(67 * time.Minute)
		synctest.Wait()
		if english(h.States(ann)) != "Another" {
			t.Errorf("states %q", english(h.States(ann)))
		}
		h.expect(t, "another file", "all [CustomStateURL]")
		last := h.store.record[len(h.store.record)-1]
		if last.What != "custom-states" || last.Name != one || last.By != "" || last.Before != "1 busy: One" || last.After != "1 busy: Another" {
			t.Errorf("record %+v", last)
		}

		w.put(one, "<customStates>\n<bad/>", nil)
		before := w.count()
		time.Sleep(10 * time.Hour)
		synctest.Wait()
		if english(h.States(ann)) != "Another" {
			t.Errorf("the set before does not hold on: %q", english(h.States(ann)))
		}
		refusedWith(t, h.Failure(one), portal.ErrInvalid, "customstates.element")
		waits := gaps(w.at[before:])
		// A minute, two, four … up to an hour, each give or take a tenth.
		if len(waits) < 10 || len(waits) > 20 || waits[0] > 66*time.Second || waits[4] < 14*time.Minute || slices.Max(waits) > 67*time.Minute {
			t.Errorf("waited %v", waits)
		}
		if slices.ContainsFunc(w.asked[before+1:], func(a string) bool { return a != one+" " }) {
			t.Errorf("after a failure asked with marks: %v", w.asked[before:])
		}

		must(t, h.DropRule(ctx, boss, everyone(portal.CustomStateURL, "")))
		synctest.Wait()
		if _, kept := h.store.sets[one]; kept || h.States(ann) != nil || h.Failure(one) != nil {
			t.Error("the set of an address that nobody names is kept")
		}
		quiet := w.count()
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		if w.count() != quiet {
			t.Error("an address that nobody names is asked")
		}
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}

func gaps(at []time.Time) []time.Duration {
	var list []time.Duration
	for i := 1; i < len(at); i++ {
		list = append(list, at[i].Sub(at[i-1]))
	}
	return list
}

// TestStart: at the start every address is asked once, without marks, and what was kept holds until then.
func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		store, w := newMemory(), newWeb()
		states, err := policy.ParseCustomStates([]byte(file("Kept")))
		must(t, err)
		store.sets[one] = portal.CustomStates{Source: one, States: states}
		store.sets["https://gone.example.test/"] = portal.CustomStates{Source: "https://gone.example.test/", States: states}
		for _, r := range []portal.PolicyRule{everyone(portal.CustomStateURL, one), ofPerson(portal.CustomStateURL, ann, two)} {
			store.rules[key(r)] = r
		}
		w.put(two, file("Two"), nil)
		w.put(one, "", portal.Fail(portal.ErrUnavailable, "customstates.unreachable"))
		h := build(t, store, w, nil)
		if english(h.States(ben)) != "Kept" {
			t.Error("what was kept does not hold")
		}
		over := make(chan error, 1)
		go func() { over <- h.Run(ctx) }()
		synctest.Wait()
		slices.Sort(w.asked)
		if !slices.Equal(w.asked, []string{one + " ", two + " "}) || english(h.States(ben)) != "Kept" || english(h.States(ann)) != "Two" || len(store.sets) != 2 {
			t.Errorf("asked %v, ben %q, ann %q, %d sets", w.asked, english(h.States(ben)), english(h.States(ann)), len(store.sets))
		}
		cancel()
		must(t, <-over)
	})
}

// What comes from an address that no policy names any more is not kept, and neither are its marks: with them the address would
// say later that nothing changed, and what was never kept would be missed.
func TestMarksGoWithWhatIsNotKept(t *testing.T) {
	w := newWeb()
	const address = "http://states.example.test/a.xml"
	w.put(address, file("New"), nil)
	h := build(t, newMemory(), w, nil)
	must(t, h.states.refresh(t.Context(), address))
	h.states.mu.Lock()
	e := h.states.known[address]
	h.states.mu.Unlock()
	if e != nil {
		t.Errorf("kept of what was not taken: %+v", e)
	}
	if w.count() != 1 {
		t.Errorf("asked %d times", w.count())
	}
}
