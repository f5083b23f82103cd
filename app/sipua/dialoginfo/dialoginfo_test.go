package dialoginfo

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"portico/app/portal"
)

const (
	bob   = portal.Address("sip:bob@example.com")
	early = portal.DialogEarly
	talks = portal.DialogConfirmed
)

func document(version int, state, dialogs string) []byte {
	return fmt.Appendf(nil, `<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="%d" state="%s" entity="sip:alice@example.com">%s</dialog-info>`, version, state, dialogs)
}

func one(id, state string) string {
	return fmt.Sprintf(`<dialog id="%s"><state>%s</state></dialog>`, id, state)
}

func parse(t testing.TB, b []byte) Document {
	t.Helper()
	d, err := Parse(b)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	return d
}

func TestParse(t *testing.T) {
	// RFC 4235 section 4.4, and what servers and telephones write
	d := parse(t, document(7, "full", `
  <dialog id="as7d900as8" call-id="a84b4c76e66710" local-tag="1928301774" remote-tag="456887766" direction="initiator">
    <state reason="replaced">confirmed</state><duration>274</duration>
    <local><target uri="sip:alice@pc33.example.com"><param pname="+sip.rendering" pval="yes"/></target></local>
    <remote><identity display="Bob">sip:bob@example.com</identity><target uri="sip:bob@192.0.2.1"/></remote></dialog>
  <dialog id="2" call-id="c2" direction="recipient"><state>Early</state><remote><identity>&lt;sip:bob@example.com;user=x&gt;</identity></remote></dialog>
  <dialog id="3"><state>trying</state><remote><target uri="sips:bob@example.com:5061"/></remote></dialog>
  <dialog id="4"><state>proceeding</state><remote><identity display="Mum">tel:+4930123</identity></remote></dialog>
  <dialog id="5"><state>terminated</state></dialog>
  <dialog id="6"><state>dreaming</state></dialog>
  <dialog id=""><state>early</state></dialog>
  <dialog id="8"/>
  <dialog id="`+strings.Repeat("x", maxText+1)+`"><state>early</state></dialog>
  <other/>`))
	want := Document{Version: 7, Full: true, Entity: "sip:alice@example.com", Dialogs: []portal.Dialog{
		{ID: "as7d900as8", CallID: "a84b4c76e66710", Initiator: true, State: talks, Remote: bob, Name: "Bob"},
		{ID: "2", CallID: "c2", State: early, Remote: bob},
		{ID: "3", State: portal.DialogTrying, Remote: bob},
		{ID: "4", State: portal.DialogProceeding, Name: "Mum"},
		{ID: "5", State: portal.DialogTerminated},
	}}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("%+v\nwant %+v", d, want)
	}
	if d := parse(t, []byte(`<dialog-info version="0" state="partial" entity="urn:x"/>`)); d.Full || d.Entity != "" || d.Dialogs != nil {
		t.Errorf("%+v", d)
	}
	for name, in := range map[string]string{
		"nothing": "", "other root": "<presence/>", "no version": `<dialog-info state="full"/>`, "negative": string(document(-1, "full", "")), "no state": string(document(1, "", "")),
		"DTD": "<!DOCTYPE a>" + string(document(1, "full", "")), "open": "<dialog-info", "too many": string(document(1, "full", strings.Repeat(one("a", "early"), MaxDialogs+1))),
		"too deep": string(document(1, "full", strings.Repeat("<a>", 12)+strings.Repeat("</a>", 12))), "too large": string(document(1, "full", "<!--"+strings.Repeat("x", 128<<10)+"-->")),
	} {
		if d, err := Parse([]byte(in)); !errors.Is(err, portal.ErrInvalid) || d.Dialogs != nil {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}

func TestTheTableFollowsTheDocuments(t *testing.T) {
	type step struct {
		version          int
		state, dialogs   string
		changed, refresh bool
		want             string // ids and states, sorted
	}
	for name, steps := range map[string][]step{
		"a call": {
			{0, "full", "", false, false, ""},
			{1, "full", one("a", "early"), true, false, "a:early"},
			{2, "partial", one("a", "confirmed"), true, false, "a:confirmed"},
			{3, "partial", one("a", "terminated"), true, false, ""},
		},
		"a full one replaces": {
			{1, "full", one("b", "early") + one("a", "confirmed"), true, false, "a:confirmed b:early"},
			{2, "full", one("c", "trying"), true, false, "c:trying"},
			{9, "full", one("c", "terminated"), true, false, ""}, // whatever was lost before a full one
		},
		"a partial one adds": {
			{1, "full", one("a", "confirmed"), true, false, "a:confirmed"},
			{2, "partial", one("b", "early"), true, false, "a:confirmed b:early"},
			{3, "partial", "", false, false, "a:confirmed b:early"},
		},
		"repeats and late ones are ignored": {
			{5, "full", one("a", "early"), true, false, "a:early"},
			{5, "full", "", false, false, "a:early"},
			{4, "partial", one("a", "terminated"), false, false, "a:early"},
		},
		"a gap asks for a refresh": {
			{1, "full", "", false, false, ""},
			{3, "partial", one("a", "early"), true, true, "a:early"},
			{4, "full", one("a", "early"), false, false, "a:early"},
		},
		"beginning with a partial one": {{1, "partial", one("a", "early"), true, true, "a:early"}},
		"never heard of":               {{1, "full", one("a", "terminated"), false, false, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			var table Table
			for i, s := range steps {
				changed, refresh := table.Apply(parse(t, document(s.version, s.state, s.dialogs)))
				var got []string
				for _, d := range table.Dialogs() {
					got = append(got, d.ID+":"+string(d.State))
				}
				if changed != s.changed || refresh != s.refresh || strings.Join(got, " ") != s.want {
					t.Errorf("step %d: changed %v, refresh %v, %q", i, changed, refresh, got)
				}
			}
			table.Reset()
			if changed, refresh := table.Apply(parse(t, document(0, "full", one("z", "early")))); !changed || refresh {
				t.Errorf("a new subscription: changed %v, refresh %v", changed, refresh)
			}
		})
	}
}

// However many a sequence of partial documents names, the table keeps no more than one document may.
func TestTheTableIsBounded(t *testing.T) {
	var table Table
	table.Apply(parse(t, document(0, "full", "")))
	for v := 1; v <= MaxDialogs+20; v++ {
		table.Apply(parse(t, document(v, "partial", one(fmt.Sprint("d", v), "early"))))
	}
	if n := len(table.Dialogs()); n != MaxDialogs {
		t.Errorf("%d dialogs", n)
	}
	table.Apply(parse(t, document(MaxDialogs+21, "partial", one("d1", "confirmed"))))
	if d := table.Dialogs()[0]; d.ID != "d1" || d.State != talks {
		t.Errorf("a known one in a full table: %+v", d)
	}
}

func FuzzApply(f *testing.F) {
	f.Add(document(1, "full", one("a", "early")), document(2, "partial", one("a", "confirmed")+one("b", "terminated")))
	f.Add(document(1, "partial", `<dialog id="x"><state>trying</state><remote><identity display="n">&lt;sip:a@b&gt;</identity></remote></dialog>`), []byte("<dialog-info/>"))
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
			table.Apply(d)
			ds := table.Dialogs()
			if len(ds) > MaxDialogs {
				t.Fatalf("%d dialogs", len(ds))
			}
			for _, d := range ds {
				if d.ID == "" || d.State == portal.DialogTerminated || d.State == "" {
					t.Fatalf("%+v", d)
				}
			}
			if changed, refresh := table.Apply(d); changed || refresh {
				t.Fatal("a repeat changed something")
			}
		}
	})
}
