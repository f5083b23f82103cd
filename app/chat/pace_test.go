package chat_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"portico/app/chat"
	"portico/app/portal"
)

// TestPaceOfAConversation: who says too much in one conversation is told when to come back; others, and their other conversations,
// notice nothing. What was refused is not kept, and can be said later under its id.
func TestPaceOfAConversation(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	log := newMemLog()
	s := chat.New(log, newFarSide(), chat.Options{Rate: 2, Burst: 5, Now: func() time.Time { return now }})
	say := func(from, to portal.Address, id string) error {
		_, err := s.Say(t.Context(), from, chat.Draft{Conversation: to, ID: id, Text: "again"})
		return err
	}
	for i := range 5 {
		if err := say(alice, bob, fmt.Sprint("m", i)); err != nil {
			t.Fatal(err)
		}
	}
	err := say(alice, bob, "more")
	var told *portal.Error
	if !errors.As(err, &told) || portal.Meaning(err) != portal.ErrTooMany || told.RetryAfter != 500*time.Millisecond {
		t.Fatalf("one more: %v", err)
	}
	if _, err := log.Message(t.Context(), alice, bob, "more"); portal.Meaning(err) != portal.ErrNotFound {
		t.Errorf("what was refused is kept: %v", err)
	}
	if err := errors.Join(say(alice, carol, "elsewhere"), say(bob, alice, "back")); err != nil {
		t.Error(err)
	}
	now = now.Add(told.RetryAfter)
	if err := say(alice, bob, "more"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	if err := say(alice, bob, "still-more"); portal.Meaning(err) != portal.ErrTooMany {
		t.Errorf("at once after it: %v", err)
	}
}
