package storage

import (
	"testing"

	"portico/app/portal"
)

// What was kept before there was a word on what somebody is doing let everybody see it who saw them at all.
func TestPrivacyOfBefore(t *testing.T) {
	p, err := decodePrivacy([]byte(`{"rules":{"company":{"note":true},"public":{"hidden":true},"team":{"activity":false,"note":true},"personal":{"activity":true}},"others":"public"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[portal.Relationship]portal.Sight{portal.Company: {Activity: true, Note: true}, portal.Public: {Hidden: true},
		portal.Team: {Note: true}, portal.Personal: {Activity: true}}
	for r, s := range want {
		if p.Rules[r] != s {
			t.Errorf("%s is %+v, want %+v", r, p.Rules[r], s)
		}
	}
	if len(p.Rules) != len(want) || p.Others != portal.Public {
		t.Errorf("read %+v", p)
	}
	for _, broken := range []string{"{", `{"rules":3}`} {
		if _, err := decodePrivacy([]byte(broken)); err == nil {
			t.Errorf("%s is read", broken)
		}
	}
}
