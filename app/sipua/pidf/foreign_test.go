package pidf

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"portico/app/portal"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// The documents of linphone, baresip and Kamailio were taken from the wire; the others are in the form
// their programs write.
func TestDocumentsOfOthers(t *testing.T) {
	ours := portal.Claim{Endpoint: "portico-1a2b", Availability: portal.Busy, Activity: portal.InAMeeting, Source: portal.SourceCalendar, Note: "In room 5 & busy",
		Since: at("2026-11-21T18:00:00Z"), At: at("2026-11-21T18:00:01Z"), TakesCPIM: true}
	linphoneBusy := portal.Claim{Endpoint: "b6uxkg", Availability: portal.Away, At: at("2026-11-21T22:02:47Z")}
	linphoneDND := portal.Claim{Endpoint: "e1dm4u", Availability: portal.DoNotDisturb, At: at("2026-11-21T22:02:48Z")}
	baresip := portal.Claim{Endpoint: "t4109", Availability: portal.Available, Label: "baresip"}
	for name, want := range map[string][]portal.Claim{
		"linphone-online.xml":       {{Endpoint: "srkv-6", Availability: portal.Available, At: at("2026-11-21T22:02:45Z"), Label: "Linphone"}},
		"linphone-busy.xml":         {linphoneBusy}, // its "busy" is an away on the wire
		"linphone-dnd.xml":          {linphoneDND},
		"baresip-open.xml":          {baresip},
		"kamailio-merged.xml":       {ours, linphoneBusy, baresip, linphoneDND},
		"kamailio-one-left.xml":     {ours, linphoneBusy, baresip, {Endpoint: "e1dm4u", Availability: portal.Offline}},
		"kamailio-closed.xml":       {{Endpoint: "portico-1a2b", Availability: portal.Offline}},
		"jitsi-away.xml":            {{Endpoint: "t2719", Availability: portal.Away}},
		"jitsi-dnd-note.xml":        {{Endpoint: "t2719", Availability: portal.DoNotDisturb}},
		"asterisk-on-the-phone.xml": {{Endpoint: "alice", Availability: portal.Busy, Activity: portal.InACall, Source: portal.SourceCall}},
		"asterisk-ready.xml":        {{Endpoint: "alice", Availability: portal.Available}},
		"freeswitch-phone.xml":      {{Endpoint: "t6a5ed77e", Availability: portal.Busy, Activity: portal.InACall, Source: portal.SourceCall}},
		"pjsip-idle.xml":            {{Endpoint: "pj6f1e", Availability: portal.Available, Activity: portal.Inactive, Source: portal.SourceActivity, At: at("2026-11-21T18:02:47.350Z"), Label: "PJSIP"}},
		"polycom-busy.xml":          {{Endpoint: "poly-0004f2aabbcc", Availability: portal.Busy, Activity: portal.InACall, Source: portal.SourceCall}},
		"rfc4480.xml": {
			{Endpoint: "bs35r9", Availability: portal.Away, Note: "Don't Disturb Please!", Since: at("2026-05-30T12:00:00+05:00"), Until: at("2026-05-30T17:00:00+05:00"), At: at("2026-10-27T16:49:29Z"), TimeZone: "Etc/GMT+4"},
			{Endpoint: "ty4658", Availability: portal.Away, Note: "Scoring 120", Since: at("2026-05-30T12:00:00+05:00"), Until: at("2026-05-30T17:00:00+05:00"), At: at("2026-05-30T16:09:44+05:00"), TimeZone: "Etc/GMT+4"},
			{Endpoint: "eg92n8", Availability: portal.Away, Note: "Scoring 120", Since: at("2026-05-30T12:00:00+05:00"), Until: at("2026-05-30T17:00:00+05:00"), At: at("2026-05-30T16:09:44+05:00"), TimeZone: "Etc/GMT+4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			who, got, err := Parse(read(t, name))
			if err != nil || who != alice {
				t.Fatalf("%q, %v", who, err)
			}
			compare(t, got, want)
		})
	}
}

func compare(t *testing.T, got, want []portal.Claim) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d claims, want %d: %+v", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("claim %d:\ngot  %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

// doc wraps the children of a presence element.
func doc(children string) []byte {
	return []byte(`<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" xmlns:caps="urn:ietf:params:xml:ns:pidf:caps" xmlns:p="urn:portico:presence:1" entity="sip:alice@example.test">` + children + `</presence>`)
}

func tuple(id, basic, more string) string {
	return `<tuple id="` + id + `"><status><basic>` + basic + `</basic></status>` + more + `</tuple>`
}

func person(id, activities string) string {
	return `<dm:person id="` + id + `"><rpid:activities>` + activities + `</rpid:activities></dm:person>`
}

func TestPersonsGoToTheirTuples(t *testing.T) {
	away, busy, meeting := person("a", "<rpid:away/>"), person("b", "<rpid:busy/>"), person("m", "<rpid:meeting/>")
	type say map[string]portal.Availability
	for name, tc := range map[string]struct {
		body string
		want say
	}{
		"nobody":                       {"", say{}},
		"one person for two tuples":    {tuple("1", "open", "") + tuple("2", "open", "") + away, say{"1": portal.Away, "2": portal.Away}},
		"tuple first":                  {tuple("1", "open", "") + away + tuple("2", "open", "") + busy, say{"1": portal.Away, "2": portal.Busy}},
		"person first":                 {away + tuple("1", "open", "") + busy + tuple("2", "open", ""), say{"1": portal.Away, "2": portal.Busy}},
		"mixed":                        {tuple("1", "open", "") + away + busy + tuple("2", "open", ""), say{"1": portal.Away, "2": portal.Busy}},
		"mixed the other way":          {away + tuple("1", "open", "") + tuple("2", "open", "") + busy, say{"1": portal.Away, "2": portal.Busy}},
		"three, one without a person":  {tuple("1", "open", "") + away + tuple("2", "open", "") + busy + tuple("3", "open", ""), say{"1": portal.Away, "2": portal.Busy, "3": portal.Available}},
		"a person alone":               {meeting, say{"m": portal.Busy}},
		"a person beside":              {tuple("1", "open", "") + away + busy + meeting, say{"1": portal.Away, "b": portal.Busy, "m": portal.Busy}},
		"closed with others' person":   {tuple("1", "closed", "") + tuple("2", "open", "") + away, say{"1": portal.Offline, "2": portal.Away}},
		"closed, person in a meeting":  {tuple("1", "closed", "") + meeting, say{"1": portal.Offline}},
		"closed, person said nothing":  {tuple("1", "closed", "") + person("x", ""), say{"1": portal.Offline}},
		"tuple speaks for itself":      {tuple("1", "open", "<rpid:activities><rpid:busy/></rpid:activities>") + away, say{"1": portal.Busy}},
		"no basic":                     {`<tuple id="1"><status/></tuple>`, say{"1": portal.Unknown}},
		"no status":                    {`<tuple id="1"/>`, say{"1": portal.Unknown}},
		"basic in capitals":            {tuple("1", " OPEN ", ""), say{"1": portal.Available}},
		"timed status is not now":      {`<tuple id="1"><status><basic>open</basic><ts:timed-status xmlns:ts="urn:ietf:params:xml:ns:pidf:timed-status" from="2027-01-01T00:00:00Z"><basic>closed</basic></ts:timed-status></status></tuple>`, say{"1": portal.Available}},
		"unknown activity":             {tuple("1", "open", "") + person("x", "<rpid:juggling/>"), say{"1": portal.Available}},
		"activity that says nothing":   {tuple("1", "open", "") + person("x", "<rpid:tv/>"), say{"1": portal.Available}},
		"several activities":           {tuple("1", "open", "") + person("x", "<rpid:away/><rpid:meeting/><rpid:tv/>"), say{"1": portal.Busy}},
		"undeclared prefix":            {tuple("1", "open", "<zz:activities><zz:away/></zz:activities>"), say{"1": portal.Away}},
		"another namespace's state":    {`<tuple id="1"><status><basic>open</basic></status><state xmlns="urn:other" availability="busy"/></tuple>`, say{"1": portal.Available}},
		"our state is not one of ours": {`<tuple id="1"><status><basic>open</basic></status><p:state availability="dancing" activity="wildly" source="dream"/></tuple>`, say{"1": portal.Unknown}},
		"our tuple closed by a server": {`<tuple id="1"><status><basic>closed</basic></status><p:state availability="busy"/></tuple>`, say{"1": portal.Offline}},
	} {
		t.Run(name, func(t *testing.T) {
			_, got, err := Parse(doc(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(tc.want) {
				t.Fatalf("%+v, want %v", got, tc.want)
			}
			for _, c := range got {
				if tc.want[c.Endpoint] != c.Availability {
					t.Errorf("%s is %s, want %s", c.Endpoint, c.Availability, tc.want[c.Endpoint])
				}
			}
		})
	}
}

func TestActivitiesOfRFC4480(t *testing.T) {
	for body, want := range map[string]state{
		"<rpid:on-the-phone/>":                               {portal.Busy, portal.InACall, portal.SourceCall},
		"<rpid:appointment/>":                                {portal.Busy, portal.InAMeeting, ""},
		"<rpid:vacation/>":                                   {portal.Away, portal.OutOfOffice, ""},
		"<rpid:lunch/>":                                      {portal.Away, "", ""},
		"<rpid:presentation/>":                               {portal.DoNotDisturb, "", ""},
		"<rpid:working/>":                                    {portal.Available, "", ""},
		"<rpid:other>out-of-office</rpid:other>":             {portal.Away, portal.OutOfOffice, ""},
		"<rpid:other>Do not disturb!</rpid:other>":           {portal.DoNotDisturb, "", ""},
		"<rpid:other>somewhere</rpid:other>":                 {portal.Available, "", ""},
		"<rpid:activity>on-the-phone</rpid:activity>":        {portal.Busy, portal.InACall, portal.SourceCall},
		"<rpid:busy/><rpid:vacation/>":                       {portal.Busy, portal.OutOfOffice, ""},
		"<rpid:away/><rpid:busy/><rpid:on-the-phone/>":       {portal.Busy, portal.InACall, portal.SourceCall},
		"<rpid:away/><rpid:other>out of office</rpid:other>": {portal.Away, portal.OutOfOffice, ""},
	} {
		_, got, err := Parse(doc(tuple("1", "open", "") + person("p", body)))
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %v %+v", body, err, got)
		}
		if s := (state{got[0].Availability, got[0].Activity, got[0].Source}); s != want {
			t.Errorf("%s: %+v, want %+v", body, s, want)
		}
	}
}

func TestNotes(t *testing.T) {
	for name, tc := range map[string]struct{ body, note string }{
		"tuple's":                {tuple("1", "open", "<note> Back at 5 </note>"), "Back at 5"},
		"person's":               {tuple("1", "open", "") + `<dm:person id="p"><dm:note>At the desk</dm:note></dm:person>`, "At the desk"},
		"a person's, not a word": {tuple("1", "open", "<note>Online</note>") + `<dm:person id="p"><dm:note>Back at 5</dm:note></dm:person>`, "Back at 5"},
		"document's, a word":     {tuple("1", "open", "") + "<note>Ready</note>", ""},
		"document's":             {tuple("1", "open", "") + "<note>Whole week in Tokyo</note>", "Whole week in Tokyo"},
		"a client's word":        {tuple("1", "open", "<note>Ready to talk</note>"), ""},
		"empty one first":        {tuple("1", "open", "<note/><note>x</note>"), "x"},
		"with markup inside":     {tuple("1", "open", "<note>a &lt;b&gt; &amp; c</note>"), "a <b> & c"},
		"none when closed":       {tuple("1", "closed", "<note>gone</note>"), ""},
	} {
		_, got, err := Parse(doc(tc.body))
		if err != nil || len(got) != 1 || got[0].Note != tc.note {
			t.Errorf("%s: %+v, %v; want %q", name, got, err, tc.note)
		}
	}
}

func TestWhoTakesCPIM(t *testing.T) {
	for name, tc := range map[string]struct {
		more string
		want bool
	}{
		"capabilities":       {"<caps:servcaps><caps:text>true</caps:text><caps:type> Message/CPIM </caps:type></caps:servcaps>", true},
		"other capabilities": {"<caps:servcaps><caps:type>text/plain</caps:type></caps:servcaps>", false},
		"contact parameter":  {`<contact>sip:alice@example.test;accept-wrapped="message/cpim"</contact>`, true},
		"nothing said":       {"<contact>sip:alice@example.test</contact>", false},
	} {
		_, got, err := Parse(doc(tuple("1", "open", tc.more)))
		if err != nil || len(got) != 1 || got[0].TakesCPIM != tc.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestIdle(t *testing.T) {
	idle := `<rpid:user-input last-input="2026-11-21T18:00:00Z">idle</rpid:user-input>`
	_, got, err := Parse(doc(tuple("1", "open", idle) + `<tuple id="2"><status><basic>open</basic></status><dm:deviceID>urn:d</dm:deviceID></tuple>` +
		`<dm:device id="d"><rpid:user-input since="2026-11-21T17:00:00Z">idle</rpid:user-input><dm:deviceID>urn:d</dm:deviceID></dm:device>` +
		tuple("3", "open", idle+"<rpid:activities><rpid:busy/></rpid:activities>") + tuple("4", "open", "<rpid:user-input>active</rpid:user-input>")))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, []portal.Claim{
		{Endpoint: "1", Availability: portal.Available, Activity: portal.Inactive, Source: portal.SourceActivity, Since: at("2026-11-21T18:00:00Z")},
		{Endpoint: "2", Availability: portal.Available, Activity: portal.Inactive, Source: portal.SourceActivity, Since: at("2026-11-21T17:00:00Z")},
		{Endpoint: "3", Availability: portal.Busy},
		{Endpoint: "4", Availability: portal.Available},
	})
}

// Timed status of other programs (RFC 4481 section 3): the earliest time at which they will not be there or not
// be free; times without a beginning and times at which they are free say nothing.
func TestTimedStatusOfOthers(t *testing.T) {
	document := `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:ts="urn:ietf:params:xml:ns:pidf:timed-status"
	xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="pres:alice@example.test"><tuple id="c8dqui"><status><basic>open</basic></status>
	<ts:timed-status from="2026-08-20T10:20:00.000-05:00" until="2026-08-22T19:30:00.000-05:00"><ts:basic>closed</ts:basic></ts:timed-status>
	<ts:timed-status from="2026-08-16T09:00:00Z" until="2026-08-16T10:00:00Z"><ts:basic>open</ts:basic><rpid:activities><rpid:meeting/></rpid:activities></ts:timed-status>
	<ts:timed-status from="2026-08-15T09:00:00Z" until="2026-08-15T10:00:00Z"><ts:basic>open</ts:basic></ts:timed-status>
	<ts:timed-status until="2026-08-14T10:00:00Z"><ts:basic>closed</ts:basic></ts:timed-status>
	<contact>sip:alice@example.test</contact></tuple></presence>`
	_, claims, err := Parse([]byte(document))
	if err != nil || len(claims) != 1 {
		t.Fatalf("%d claims, %v", len(claims), err)
	}
	want := portal.Agenda{Known: true, NextFrom: at("2026-08-16T09:00:00Z"), NextUntil: at("2026-08-16T10:00:00Z")}
	if got := claims[0]; !got.Agenda.Same(want) || got.Availability != portal.Available {
		t.Errorf("agenda %+v, %s", got.Agenda, got.Availability)
	}
}
