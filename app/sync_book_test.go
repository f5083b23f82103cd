package main

import (
	"net/http"
	"testing"
)

// Where the portal has no address book of its own, Sync users finds the CRM users in Exchange all the same, each on their server.
func TestSyncUsersWithoutAnAddressBook(t *testing.T) {
	t.Parallel()
	_, proxy := aside(t)
	x := exchangeOf(t, labMailboxes())
	p := facing(t, proxy, append(atServer(0, "office", x), "PORTICO_SIGNIN_ADMINS=sip:alice@example.test", "PORTICO_DIRECTORY_EXCHANGE=false")...)
	alice, bob := p.signIn("alice").loaded(), p.signIn("bob").loaded()
	for _, user := range []string{"alice", "bob", "nobody"} {
		in := map[string]any{"first_name": user, "last_name": "Tester", "email": user + "@example.test"}
		if status := alice.call(http.MethodPut, "/crm/users/"+person(user), in, nil); status != http.StatusOK {
			t.Fatalf("make %s a CRM user: status %d", user, status)
		}
	}
	var plan []struct {
		Action, By string
		Server     string `json:"exchange_server"`
		Person     struct{ URI string }
	}
	if status := alice.call(http.MethodGet, "/admin/sync/users/plan", nil, &plan); status != http.StatusOK || len(plan) != 3 {
		t.Fatalf("the plan: status %d, %+v", status, plan)
	}
	for _, row := range plan {
		want := [3]string{"link", "email", "office"}
		if row.Person.URI == "sip:nobody@example.test" {
			want = [3]string{"none", "email", ""}
		}
		if got := [3]string{row.Action, row.By, row.Server}; got != want {
			t.Errorf("the plan for %s is %q, not %q", row.Person.URI, got, want)
		}
	}
	if run := alice.runUsers("alice", "bob"); run.State != "done" || run.Linked != 2 {
		t.Errorf("sync users: %+v", run)
	}
	day := dayAhead(t)
	bob.inCRM("without-an-address-book", "Without a book", clock(day, 9, 0), nil, "alice")
	outlook(t, x.URL(), "bob").one("Without a book", nil)
	outlook(t, x.URL(), "alice").one("Without a book", nil)
	outlook(t, x.URL(), "bob").create("From Outlook", clock(day, 11, 0), clock(day, 12, 0), "", required("alice"))
	bob.shows(day, "From Outlook", func(m meeting) bool { return m.Sync.State == "done" })
}
