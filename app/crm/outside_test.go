package crm

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"portico/app/portal"
)

func TestOutsideOfAPrivateRecordOnlyItsTimesAreKnown(t *testing.T) {
	o := newOffice(t)
	a := meeting("Surgery", "carol@example.test")
	a.Private, a.Body, a.Location, a.Categories = true, "at noon", "Hospital", []string{"Health"}
	r := o.create(alice, a)
	change := portal.CRMChange{Kind: "appointment", ID: r.ID, Change: portal.Created}
	for _, private := range []bool{false, true} {
		got, err := o.Outside(o.ctx, change, private)
		o.must(err)
		data, err := json.Marshal(got)
		o.must(err)
		for _, word := range []string{"Surgery", "noon", "Hospital", "Health", "carol"} {
			if strings.Contains(string(data), word) != private {
				t.Errorf("allowed %v: %q in %s", private, word, data)
			}
		}
		if !strings.Contains(string(data), `"id":"`+r.ID+`"`) || !strings.Contains(string(data), `"start":"2026-`) {
			t.Errorf("neither its ID nor its start: %s", data)
		}
	}
}

func TestOutsideARecordIsDescribedAsCRMSystemsDo(t *testing.T) {
	o := newOffice(t)
	a := meeting("Budget")
	a.Body = "Numbers"
	r := o.create(alice, a)
	got, err := o.Outside(o.ctx, portal.CRMChange{Kind: "appointment", ID: r.ID}, false)
	o.must(err)
	if out, ok := got.(Outside); !ok || out.Description != "Budget\nNumbers" || out.Deleted {
		t.Errorf("outside: %+v", got)
	}
	if _, err := o.Outside(o.ctx, portal.CRMChange{Kind: "company", ID: "none"}, false); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("a company that is no more: %v", err)
	}
	if u, err := o.Outside(o.ctx, portal.CRMChange{Kind: "user", ID: string(alice)}, false); err != nil || u.(portal.CRMUser).Address != alice {
		t.Errorf("a user: %v, %v", u, err)
	}
	if _, err := o.Outside(o.ctx, portal.CRMChange{Kind: "invoice"}, false); err == nil {
		t.Error("an unknown kind was taken")
	}
}
