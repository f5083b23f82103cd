package calendar

import (
	"fmt"
	"testing"
	"time"

	"portico/app/portal"
)

func TestTipsAreBounded(t *testing.T) {
	reader, now := portal.MustAddress("sip:alice@example.test"), time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	kept := newTips()
	keep := func(name string, n int, at time.Time) {
		told := map[string]portal.OutOfOfficeNote{}
		var emails []string
		for i := range n {
			email := fmt.Sprintf("%s%d@example.test", name, i)
			emails, told[email] = append(emails, email), portal.OutOfOfficeNote{State: "enabled", Internal: email}
		}
		kept.keep(reader, emails, told, at)
	}
	keep("old", maxTips-10, now)
	keep("new", 20, now.Add(tipAge+time.Second))
	if _, ok := kept.of(reader, "OLD1@example.test"); ok || len(kept.by) != 20 {
		t.Errorf("%d are kept, an old one: %t", len(kept.by), ok)
	}
	if got, ok := kept.of(reader, "NEW1@example.test"); !ok || got.note.Internal != "new1@example.test" {
		t.Errorf("a new one: %+v %t", got, ok)
	}
	if _, ok := kept.of(portal.MustAddress("sip:bob@example.test"), "new1@example.test"); ok {
		t.Error("somebody reads what another was told")
	}
	keep("more", maxTips-10, now.Add(tipAge+time.Minute))
	if len(kept.by) > maxTips {
		t.Errorf("%d are kept", len(kept.by))
	}
	kept.keep(reader, []string{"More1@example.test"}, nil, now)
	if _, ok := kept.of(reader, "more1@example.test"); ok {
		t.Error("a reply that has ended is still known")
	}
}
