package winfo

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

var (
	bob   = portal.MustAddress("sip:bob@example.test")
	carol = portal.MustAddress("sip:carol@example.test")
	now   = time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parse(t *testing.T, b []byte) Document {
	t.Helper()
	d, err := Parse(b)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	return d
}

// watcherinfo makes a document of watcher elements.
func watcherinfo(version, state, watchers string) []byte {
	return []byte(`<?xml version="1.0"?><watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" version="` + version + `" state="` + state +
		`"><watcher-list resource="sip:alice@example.test" package="presence">` + watchers + `</watcher-list></watcherinfo>`)
}

func watcher(id, who, status, more string) string {
	return `<watcher id="` + id + `" event="subscribe" status="` + status + `" ` + more + `>` + who + `</watcher>`
}

// What Kamailio sends to somebody who subscribes to their watchers, while two people begin to watch.
func TestKamailiosDocumentsInTurn(t *testing.T) {
	var table Table
	for i, tc := range []struct {
		changed bool
		want    []portal.Watcher
	}{
		{false, nil},
		{true, []portal.Watcher{{Who: bob, Status: "active", Since: now.Add(time.Second)}}},
		{true, []portal.Watcher{{Who: bob, Status: "active", Since: now.Add(time.Second)}, {Who: carol, Status: "active", Since: now.Add(2 * time.Second)}}},
	} {
		d := parse(t, read(t, "kamailio-"+string(rune('1'+i))+".xml"))
		changed, refresh := table.Apply(d, now.Add(time.Duration(i)*time.Second))
		if changed != tc.changed || refresh {
			t.Errorf("document %d: changed %v, refresh %v", i+1, changed, refresh)
		}
		equal(t, table.Watchers(), tc.want)
	}
}

func equal(t *testing.T, got, want []portal.Watcher) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%+v, want %+v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
}

func TestParse(t *testing.T) {
	d := parse(t, watcherinfo("7", "partial",
		watcher("a", "sip:bob@example.test", "Active", `duration-subscribed="3600" expiration="20" display-name="Bob"`)+
			watcher("b", "pres:carol@example.test", "pending", "")+
			watcher("c", "tel:+4930123", "waiting", "")+
			watcher("d", "sip:dave@example.test", "dreaming", "")+
			watcher("", "sip:erin@example.test", "terminated", `duration-subscribed="-4"`)))
	want := []Entry{
		{Package: "presence", ID: "a", Who: bob, Name: "Bob", Status: "active", Event: "subscribe", Subscribed: time.Hour},
		{Package: "presence", ID: "b", Who: carol, Status: "pending", Event: "subscribe"},
		{Package: "presence", ID: "c", Status: "waiting", Event: "subscribe"},
		{Package: "presence", ID: "sip:erin@example.test", Who: "sip:erin@example.test", Status: "terminated", Event: "subscribe"},
	}
	if d.Version != 7 || d.Full || len(d.Entries) != len(want) {
		t.Fatalf("%+v", d)
	}
	for i := range want {
		if d.Entries[i] != want[i] {
			t.Errorf("%+v, want %+v", d.Entries[i], want[i])
		}
	}
	for name, in := range map[string]string{
		"nothing": "", "other root": "<presence/>", "no version": string(watcherinfo("", "full", "")), "negative version": string(watcherinfo("-1", "full", "")),
		"no state": string(watcherinfo("1", "", "")), "DTD": "<!DOCTYPE a>" + string(watcherinfo("1", "full", "")), "too many": string(watcherinfo("1", "full", strings.Repeat(watcher("a", "b", "active", ""), MaxWatchers+1))),
	} {
		if d, err := Parse([]byte(in)); !errors.Is(err, portal.ErrInvalid) || d.Entries != nil {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}

func TestTheTableFollowsTheDocuments(t *testing.T) {
	type step struct {
		version, state, watchers string
		changed, refresh         bool
		want                     []portal.Watcher
	}
	activeBob := portal.Watcher{Who: bob, Status: "active", Since: now.Add(-time.Hour)}
	hour := `duration-subscribed="3600"`
	for name, steps := range map[string][]step{
		"approval, then gone": {
			{"0", "full", watcher("1", "sip:bob@example.test", "pending", ""), true, false, []portal.Watcher{{Who: bob, Status: "pending", Since: now}}},
			{"1", "partial", watcher("1", "sip:bob@example.test", "active", hour), true, false, []portal.Watcher{activeBob}},
			{"2", "partial", watcher("1", "sip:bob@example.test", "terminated", ""), true, false, nil},
		},
		"repeats and late ones are ignored": {
			{"5", "full", watcher("1", "sip:bob@example.test", "active", hour), true, false, []portal.Watcher{activeBob}},
			{"5", "full", "", false, false, []portal.Watcher{activeBob}},
			{"4", "partial", watcher("1", "sip:bob@example.test", "terminated", ""), false, false, []portal.Watcher{activeBob}},
		},
		"a gap asks for a refresh": {
			{"1", "full", "", false, false, nil},
			{"3", "partial", watcher("1", "sip:bob@example.test", "active", hour), true, true, []portal.Watcher{activeBob}},
			{"4", "full", watcher("1", "sip:bob@example.test", "active", hour), false, false, []portal.Watcher{activeBob}},
		},
		"beginning with a partial one": {
			{"1", "partial", watcher("1", "sip:bob@example.test", "active", hour), true, true, []portal.Watcher{activeBob}},
		},
		"a full one replaces": {
			{"1", "full", watcher("1", "sip:bob@example.test", "active", hour), true, false, []portal.Watcher{activeBob}},
			{"2", "full", watcher("2", "sip:carol@example.test", "waiting", hour), true, false, []portal.Watcher{{Who: carol, Status: "waiting", Since: now.Add(-time.Hour)}}},
		},
		"two devices of one watcher": {
			{"1", "full", watcher("1", "sip:bob@example.test", "pending", hour) + watcher("2", "sip:bob@example.test", "active", `duration-subscribed="60"`), true, false, []portal.Watcher{{Who: bob, Status: "active", Since: now.Add(-time.Minute)}}},
			{"2", "partial", watcher("2", "sip:bob@example.test", "terminated", ""), true, false, []portal.Watcher{{Who: bob, Status: "pending", Since: now.Add(-time.Hour)}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var table Table
			for i, s := range steps {
				changed, refresh := table.Apply(parse(t, watcherinfo(s.version, s.state, s.watchers)), now)
				if changed != s.changed || refresh != s.refresh {
					t.Errorf("step %d: changed %v, refresh %v", i, changed, refresh)
				}
				equal(t, table.Watchers(), s.want)
			}
			table.Reset()
			if changed, refresh := table.Apply(parse(t, watcherinfo("0", "full", watcher("9", "sip:carol@example.test", "active", hour))), now); !changed || refresh {
				t.Errorf("a new subscription: changed %v, refresh %v", changed, refresh)
			}
		})
	}
}

func TestAFullDocumentKeepsWhenTheWatcherCame(t *testing.T) {
	var table Table
	table.Apply(parse(t, watcherinfo("1", "full", watcher("1", "sip:bob@example.test", "active", ""))), now)
	changed, _ := table.Apply(parse(t, watcherinfo("2", "full", watcher("1", "sip:bob@example.test", "active", ""))), now.Add(time.Hour))
	if changed {
		t.Error("nothing changed")
	}
	equal(t, table.Watchers(), []portal.Watcher{{Who: bob, Status: "active", Since: now}})
}

func FuzzApply(f *testing.F) {
	f.Add(read(f, "kamailio-1.xml"), read(f, "kamailio-2.xml"))
	f.Add(watcherinfo("7", "partial", watcher("a", "sip:bob@example.test", "active", `duration-subscribed="9999999999999"`)), watcherinfo("8", "partial", watcher("a", "sip:bob@example.test", "terminated", "")))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var table Table
		for _, b := range [][]byte{first, second} {
			d, err := Parse(b)
			if err != nil {
				if !errors.Is(err, portal.ErrInvalid) {
					t.Fatal(err)
				}
				continue
			}
			table.Apply(d, now)
			for _, w := range table.Watchers() {
				if w.Who == "" || rank(w.Status) < 2 || w.Since.After(now) {
					t.Fatalf("%+v", w)
				}
			}
			if changed, refresh := table.Apply(d, now); changed || refresh {
				t.Fatal("a repeat changed something")
			}
		}
	})
}
