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

// wrong is what a notification says that does not fit a sight: what it shows must be seen, and nothing else.
func wrong(p packet, s portal.Sight) (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	if state := p.header.Get("Subscription-State"); !strings.HasPrefix(state, "active;") || strings.Contains(state, "reason") {
		complain("it is %s", state)
	}
	if s.Hidden {
		if p.body != "" || p.header.Get("Content-Type") != "" {
			complain("there is a document")
		}
		return complaints
	}
	if _, claims, err := presence.Parse([]byte(p.body)); err != nil || len(claims) != 1 || claims[0].Availability != portal.Busy || !strings.Contains(p.body, "rpid:busy") {
		complain("alice is not busy: %+v, %v", claims, err)
	}
	check := func(shown bool, marks []string) {
		for _, mark := range marks {
			if strings.Contains(p.body, mark) != shown {
				complain("it shows %s: %v", mark, !shown)
			}
		}
	}
	check(s.Note, noteMarks)
	check(s.FreeBusy, timeMarks)
	check(s.Location, placeMarks)
	check(s.LastActive, sinceMarks)
	return complaints
}

// sees wants the next notification to fit a sight.
func sees(t *testing.T, what string, r *raw, s portal.Sight) {
	t.Helper()
	p := r.next()
	if complaints := wrong(p, s); len(complaints) > 0 {
		t.Errorf("%s: %s\n%s", what, strings.Join(complaints, "; "), p.body)
	}
}

// comesToSee waits for a notification that fits a sight, after a change: what was on its way before may come first.
func comesToSee(t *testing.T, what string, r *raw, s portal.Sight) {
	t.Helper()
	for {
		complaints := wrong(r.next(), s)
		if len(complaints) == 0 {
			return
		}
		t.Logf("%s, not yet: %s", what, strings.Join(complaints, "; "))
	}
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
		sees(t, who+" at first", r, sight)
		watchers[who], dialogs[who] = r, p
	}
	for who, sight := range sights {
		p := dialogs[who]
		within := fmt.Sprintf("Call-ID: %s\r\nTo: %s\r\nFrom: %s\r\n", p.header.Get("Call-Id"), p.header.Get("To"), p.header.Get("From"))
		want(t, watchers[who].send("SUBSCRIBE", strings.Trim(p.header.Get("Contact"), "<>"), within+askForPresence, ""), http.StatusOK)
		sees(t, who+" renewed", watchers[who], sight)
		again := dialRaw(t, k, who, false)
		want(t, again.signed("SUBSCRIBE", k.URI("alice"), askForPresence, ""), http.StatusOK)
		sees(t, who+" once more", again, sight)
	}
	publish("SECRET note, the second", tag)
	for who, sight := range sights {
		if !sight.Hidden { // who is hidden from is not told that something was published
			sees(t, who+" after a publication", watchers[who], sight)
		}
	}
	putRules(t, k, map[portal.Relationship][]portal.Address{portal.Team: {"sip:carol@example.test"}, portal.Blocked: {"sip:bob@example.test", "sip:dave@example.test"}, portal.Public: {"sip:erin@example.test"}})
	sights = map[string]portal.Sight{"alice": full, "bob": hidden, "carol": full, "dave": hidden, "erin": public}
	for _, who := range []string{"bob", "carol", "erin"} {
		comesToSee(t, who+" after other rules", watchers[who], sights[who])
	}
	k.Restart()
	if k.insisted {
		t.Log("kamailio hung while it closed and was killed: its tables were not written")
		return
	}
	for who, sight := range sights {
		r := dialRaw(t, k, who, false)
		want(t, r.signed("SUBSCRIBE", k.URI("alice"), askForPresence, ""), http.StatusOK)
		sees(t, who+" after a start anew", r, sight)
	}
}

// Whose rules cannot be looked at shows the least; a rule for a domain is none for others.
func TestRulesInParts(t *testing.T) {
	k := StartKamailio(t, KamailioOptions{XCAP: true})
	alice, bob := dialRaw(t, k, "alice", false), dialRaw(t, k, "bob", false)
	putRules(t, k, map[portal.Relationship][]portal.Address{portal.Team: {"sip:bob@example.test"}})
	want(t, alice.signed("PUBLISH", k.URI("alice"), "Event: presence\r\nExpires: 600\r\nContent-Type: application/pidf+xml\r\n", secretive(t, "SECRET note")), http.StatusOK)
	want(t, bob.signed("SUBSCRIBE", k.URI("alice"), askForPresence, ""), http.StatusOK)
	sees(t, "bob", bob, portal.FullSight())
	// another client of alice's writes a part of the document
	putDocument(t, k, "alice", "pres-rules/users/sip:alice@example.test/index/~~/ruleset/rule%5B@id=%22more%22%5D", "application/xcap-el+xml",
		`<rule xmlns="urn:ietf:params:xml:ns:common-policy" id="more"><conditions><identity><one id="sip:karl@example.test"/></identity></conditions><actions/><transformations/></rule>`)
	comesToSee(t, "bob, with rules in parts", bob, portal.Sight{})
	putRules(t, k, map[portal.Relationship][]portal.Address{portal.Team: {"sip:bob@example.test"}})
	comesToSee(t, "bob, with whole rules", bob, portal.FullSight())
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
