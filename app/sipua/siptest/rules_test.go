package siptest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	presence "portico/app/sipua/pidf"
	"portico/app/sipua/xcap"
)

// secretive is what alice says of herself; what not everybody may see has a mark of its own.
func secretive(t *testing.T, note string) string {
	t.Helper()
	at := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)
	b, err := presence.Encode("sip:alice@example.test", portal.Claim{Endpoint: "portico-1", Availability: portal.Busy, Source: portal.SourceHand,
		Note: note, OutOfOffice: "SECRET away", Since: at, Until: at.AddDate(1, 0, 0), At: at, TakesCPIM: true, Location: "SECRET room", TimeZone: "Asia/Tokyo",
		Agenda: portal.Agenda{Known: true, BusyUntil: at.AddDate(1, 0, 0), NextFrom: at.AddDate(1, 0, 0), NextUntil: at.AddDate(1, 0, 0)}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The marks by what has to be allowed for them to be seen.
var (
	noteMarks  = []string{"SECRET note", "SECRET away"}
	timeMarks  = []string{"2032-"}
	placeMarks = []string{"SECRET room", "Tokyo"}
	sinceMarks = []string{"2031-"}
)

// sees checks a document for what a sight shows, and nothing else.
func sees(t *testing.T, what string, p packet, s portal.Sight) {
	t.Helper()
	if state := p.header.Get("Subscription-State"); !strings.HasPrefix(state, "active;") || strings.Contains(state, "reason") {
		t.Errorf("%s: %s", what, state)
	}
	if s.Hidden {
		if p.body != "" || p.header.Get("Content-Type") != "" {
			t.Errorf("%s sees %s", what, p.body)
		}
		return
	}
	if !strings.Contains(p.body, `availability="busy"`) || !strings.Contains(p.body, "rpid:busy") {
		t.Errorf("%s does not see that alice is busy: %s", what, p.body)
	}
	if _, claims, err := presence.Parse([]byte(p.body)); err != nil || len(claims) != 1 || claims[0].Availability != portal.Busy {
		t.Errorf("%s: %+v, %v", what, claims, err)
	}
	check := func(shown bool, marks []string) {
		for _, mark := range marks {
			if strings.Contains(p.body, mark) != shown {
				t.Errorf("%s sees %s: %v\n%s", what, mark, !shown, p.body)
			}
		}
	}
	check(s.Note, noteMarks)
	check(s.FreeBusy, timeMarks)
	check(s.Location, placeMarks)
	check(s.LastActive, sinceMarks)
}

// putRules stores alice's rules: who has which relationship; colleagues else.
func putRules(t *testing.T, k *Kamailio, by map[portal.Relationship][]portal.Address) {
	t.Helper()
	rules := xcap.RuleSet{Own: k.Domain(), By: by, Colleagues: portal.Company, Others: portal.Public, Sights: map[portal.Relationship]portal.Sight{
		portal.Team: portal.FullSight(), portal.Company: {FreeBusy: true, Note: true, LastActive: true}, portal.Public: {}}}
	putDocument(t, k, "alice", "pres-rules/users/sip:alice@example.test/index", xcap.Rules.ContentType, string(rules.Encode("sip:alice@example.test")))
}

const askForPresence = "Event: presence\r\nExpires: 600\r\nAccept: application/pidf+xml\r\n"

// Each watcher sees what their relationship shows, whatever makes the server speak: a first subscription and a further
// one, a renewal, a publication, a change of the rules, a start anew.
func TestRulesDecideWhatIsSeen(t *testing.T) {
	k := StartKamailio(t, KamailioOptions{XCAP: true})
	full, company, public, hidden := portal.FullSight(), portal.Sight{FreeBusy: true, Note: true, LastActive: true}, portal.Sight{}, portal.Sight{Hidden: true}
	alice := dialRaw(t, k, "alice", false)
	publish := func(note, tag string) string {
		t.Helper()
		p := alice.signed("PUBLISH", k.URI("alice"), tag+"Event: presence\r\nExpires: 600\r\nContent-Type: application/pidf+xml\r\n", secretive(t, note))
		want(t, p, http.StatusOK)
		return "SIP-If-Match: " + p.header.Get("Sip-Etag") + "\r\n"
	}
	putRules(t, k, map[portal.Relationship][]portal.Address{portal.Team: {"sip:bob@example.test"}, portal.Public: {"sip:carol@example.test"}, portal.Blocked: {"sip:dave@example.test"}})
	tag := publish("SECRET note", "")

	watchers := map[string]*raw{}
	sights := map[string]portal.Sight{"alice": full, "bob": full, "carol": public, "dave": hidden, "erin": company}
	dialogs := map[string]packet{}
	for who, sight := range sights {
		r := dialRaw(t, k, who, false)
		p := r.signed("SUBSCRIBE", k.URI("alice"), askForPresence, "")
		want(t, p, http.StatusOK)
		sees(t, who+" at first", r.next(), sight)
		watchers[who], dialogs[who] = r, p
	}
	for who, sight := range sights {
		p := dialogs[who]
		within := fmt.Sprintf("Call-ID: %s\r\nTo: %s\r\nFrom: %s\r\n", p.header.Get("Call-Id"), p.header.Get("To"), p.header.Get("From"))
		want(t, watchers[who].send("SUBSCRIBE", strings.Trim(p.header.Get("Contact"), "<>"), within+askForPresence, ""), http.StatusOK)
		sees(t, who+" renewed", watchers[who].next(), sight)
		again := dialRaw(t, k, who, false)
		want(t, again.signed("SUBSCRIBE", k.URI("alice"), askForPresence, ""), http.StatusOK)
		sees(t, who+" once more", again.next(), sight)
	}
	publish("SECRET note, the second", tag)
	for who, sight := range sights {
		if !sight.Hidden { // who is hidden from is not told that something was published
			sees(t, who+" after a publication", watchers[who].next(), sight)
		}
	}
	putRules(t, k, map[portal.Relationship][]portal.Address{portal.Team: {"sip:carol@example.test"}, portal.Blocked: {"sip:bob@example.test", "sip:dave@example.test"}, portal.Public: {"sip:erin@example.test"}})
	sights = map[string]portal.Sight{"alice": full, "bob": hidden, "carol": full, "dave": hidden, "erin": public}
	for _, who := range []string{"bob", "carol", "erin"} {
		sees(t, who+" after other rules", watchers[who].next(), sights[who])
	}
	k.Restart()
	if k.insisted {
		t.Log("kamailio hung while it closed and was killed: its tables were not written")
		return
	}
	for who, sight := range sights {
		r := dialRaw(t, k, who, false)
		want(t, r.signed("SUBSCRIBE", k.URI("alice"), askForPresence, ""), http.StatusOK)
		if p := r.next(); sight.Hidden {
			sees(t, who+" after a start anew", p, sight)
		} else if p.body != "" { // publications outlive it, where the server got round to writing them
			sees(t, who+" after a start anew", p, sight)
		}
	}
}

// Whose rules cannot be looked at shows the least; a rule for a domain is none for others.
func TestRulesInParts(t *testing.T) {
	k := StartKamailio(t, KamailioOptions{XCAP: true})
	alice, bob := dialRaw(t, k, "alice", false), dialRaw(t, k, "bob", false)
	putRules(t, k, map[portal.Relationship][]portal.Address{portal.Team: {"sip:bob@example.test"}})
	want(t, alice.signed("PUBLISH", k.URI("alice"), "Event: presence\r\nExpires: 600\r\nContent-Type: application/pidf+xml\r\n", secretive(t, "SECRET note")), http.StatusOK)
	want(t, bob.signed("SUBSCRIBE", k.URI("alice"), askForPresence, ""), http.StatusOK)
	sees(t, "bob", bob.next(), portal.FullSight())
	// another client of alice's writes a part of the document
	putDocument(t, k, "alice", "pres-rules/users/sip:alice@example.test/index/~~/ruleset/rule%5B@id=%22more%22%5D", "application/xcap-el+xml",
		`<rule xmlns="urn:ietf:params:xml:ns:common-policy" id="more"><conditions><identity><one id="sip:karl@example.test"/></identity></conditions><actions/><transformations/></rule>`)
	sees(t, "bob, with rules in parts", bob.next(), portal.Sight{})
	putRules(t, k, map[portal.Relationship][]portal.Address{portal.Team: {"sip:bob@example.test"}})
	sees(t, "bob, with whole rules", bob.next(), portal.FullSight())
	// what somebody else may not write changes nothing
	transport := &http.Transport{DisableKeepAlives: true}
	req, err := http.NewRequest(http.MethodPut, k.XCAPRoot()+"/pres-rules/users/sip:alice@example.test/index", strings.NewReader("<x/>"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Timeout: wait, Transport: digestTransport(k, "bob", transport)}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("bob writes alice's rules: %s, %v", res.Status, err)
	}
}
