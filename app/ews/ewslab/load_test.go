package ewslab

import (
	"fmt"
	"sync"
	"testing"
)

// Many at once: nothing is lost, and what was announced came in the order of the writes.
func TestManyAtOnce(t *testing.T) {
	for name, dsn := range map[string]string{"memory": "", "file": t.TempDir() + "/lab.db"} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var told []int64
			l := start(t, func(c *Config) { c.DSN = dsn })
			l.hooks = append(l.hooks, func(changes []change) {
				mu.Lock()
				defer mu.Unlock()
				for _, c := range changes {
					told = append(told, c.Mod)
				}
			})
			const workers, each = 6, 8
			var wg sync.WaitGroup
			for w := range workers {
				wg.Go(func() {
					who := l.as([]string{"alice", "bob"}[w%2])
					for n := range each {
						status, text := who.raw(envelopeOf("", createItem(`SendMeetingInvitations="SendToNone"`, fmt.Sprintf(`<t:CalendarItem><t:Subject>%d-%d</t:Subject><t:Start>2026-03-03T09:00:00Z</t:Start><t:End>2026-03-03T10:00:00Z</t:End></t:CalendarItem>`, w, n))))
						if status != 200 {
							t.Errorf("%d %s", status, text)
						}
						if status, text := who.raw(envelopeOf("", syncItems("", 5))); status != 200 {
							t.Errorf("%d %s", status, text)
						}
					}
				})
			}
			wg.Wait()
			equal(t, len(l.as("alice").view("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z")), workers*each/2)
			equal(t, len(l.as("bob").view("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z")), workers*each/2)
			mu.Lock()
			defer mu.Unlock()
			equal(t, len(told), workers*each)
			for n := 1; n < len(told); n++ {
				if told[n] <= told[n-1] {
					t.Fatalf("announced out of order: %v", told)
				}
			}
		})
	}
}

func TestAFailedWriteLeavesNothing(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	told := 0
	l.hooks = append(l.hooks, func([]change) { told++ })
	equal(t, alice.refused(createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:Attachments><t:FileAttachment><t:Name>a</t:Name><t:Content>***</t:Content></t:FileAttachment></t:Attachments></t:CalendarItem>`)), errorSchemaValidation)
	_, root := alice.find("calendar")
	equal(t, root.attr("TotalItemsInView"), 0)
	equal(t, told, 0)
	alice.meet("x", "2026-03-03T09:00:00Z")
	equal(t, told, 1)
}

func TestPeopleThatCannotBe(t *testing.T) {
	for name, people := range map[string][]Person{
		"no name": {{User: ""}}, "an address": {{User: "a@b"}}, "twice": {{User: "a"}, {User: "A"}}, "no zone": {{User: "a", TimeZone: "Nowhere Time"}},
	} {
		if s, err := New(Config{People: people}); err == nil {
			t.Errorf("%s was accepted", name)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
