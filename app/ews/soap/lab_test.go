package soap

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
)

// The client against a server that nobody scripted.

func TestARoundThroughAMailbox(t *testing.T) {
	ctx := background(t)
	c := labClient(t, lab(t), Basic("svc", "svc-secret"))
	ann := As{Impersonate: "ann@example.org"}
	state := syncAll(t, ctx, c, ann, "")

	start := time.Date(2026, 3, 27, 9, 0, 0, 0, time.UTC)
	made, err := c.CreateItem(ctx, ann, &CreateItem{SendInvitations: SendToNone, Items: []NewItem{
		{CalendarItem: &CalendarItem{Item: Item{Subject: "Weekly <1>", Body: &Body{Type: "Text", Text: "a & b"}, Sensitivity: "Private"}, Start: At(start), End: At(start.Add(time.Hour)), Location: "Saal",
			Recurrence: &Recurrence{Weekly: &Weekly{Interval: 1, DaysOfWeek: []string{"Friday"}}, Numbered: &Numbered{StartDate: "2026-03-27", Count: 3}}}},
		{CalendarItem: &CalendarItem{Item: Item{Subject: "Once"}, Start: At(start.AddDate(0, 0, 1)), End: At(start.AddDate(0, 0, 1).Add(time.Hour))}}}})
	if err != nil || made.Messages[0].Err() != nil || made.Messages[1].Err() != nil {
		t.Fatal(err, made)
	}
	once := made.Messages[1].Items[0].ID()

	found, err := c.FindItem(ctx, ann, &FindItem{Traversal: "Shallow", Shape: ItemShape{BaseShape: DefaultShape}, View: &CalendarView{Start: At(start), End: At(start.AddDate(0, 1, 0))}, Parents: []FolderRef{WellKnown("calendar", "")}})
	if err != nil || found.Messages[0].Err() != nil || len(found.Messages[0].Root.Items) != 4 {
		t.Fatalf("%v %+v", err, found)
	}
	got, err := c.GetItem(ctx, ann, &GetItem{Shape: ItemShape{BaseShape: AllProperties, BodyType: "Text"}, Items: []ItemRef{{ID: &once}, ItemByID("bm9uZQ==", ""), OccurrenceOf(made.Messages[0].Items[0].ID().ID, "", 2)}})
	if err != nil {
		t.Fatal(err)
	}
	second := got.Messages[2].Items[0].CalendarItem
	if got.Messages[0].Items[0].Base().Subject != "Once" || got.Messages[1].Err() == nil || second.Subject != "Weekly <1>" || second.Start.UTC() != start.AddDate(0, 0, 7) || second.CalendarItemType != "Occurrence" {
		t.Errorf("%+v", got)
	}
	change := func(key, subject string) error {
		r, err := c.UpdateItem(ctx, ann, &UpdateItem{ConflictResolution: NeverOverwrite, SendInvitations: SendToNone, Changes: []ItemChange{{Item: &ItemRef{ID: &ItemID{once.ID, key}},
			Updates: []Update{Set(Field("item:Subject"), AnyItem{CalendarItem: &CalendarItem{Item: Item{Subject: subject}}}), Delete(Field("calendar:Location"))}}}})
		if err != nil {
			return err
		}
		return r.Messages[0].Err()
	}
	if err := change(once.ChangeKey, "First"); err != nil {
		t.Fatal(err)
	}
	wantMeaning(t, change(once.ChangeKey, "Second"), portal.ErrConflict)
	deleted, err := c.DeleteItem(ctx, ann, &DeleteItem{DeleteType: MoveToDeletedItems, SendCancellations: SendToNone, Items: []ItemRef{ItemByID(once.ID, "")}})
	if err != nil || deleted.Messages[0].Err() != nil {
		t.Fatal(err, deleted)
	}
	if changes := syncChanges(t, ctx, c, ann, state); len(changes) != 1 || changes[0].Kind != "Create" {
		t.Errorf("changes %+v", changes)
	}
	if c.Server().Major == 0 || c.Version() == "" {
		t.Errorf("server %+v, version %s", c.Server(), c.Version())
	}
}

func syncAll(t *testing.T, ctx context.Context, c *Client, as As, state string) string {
	t.Helper()
	r, err := c.SyncFolderItems(ctx, as, &SyncFolderItems{Shape: ItemShape{BaseShape: IDOnly}, Folder: WellKnown("calendar", ""), State: state, Max: 512})
	if err != nil || r.Messages[0].Err() != nil {
		t.Fatal(err, r)
	}
	return r.Messages[0].State
}

func syncChanges(t *testing.T, ctx context.Context, c *Client, as As, state string) []ItemSyncChange {
	t.Helper()
	r, err := c.SyncFolderItems(ctx, as, &SyncFolderItems{Shape: ItemShape{BaseShape: IDOnly}, Folder: WellKnown("calendar", ""), State: state, Max: 512})
	if err != nil || r.Messages[0].Err() != nil {
		t.Fatal(err, r)
	}
	return r.Messages[0].Changes
}

func TestImpersonationThatIsNotAllowed(t *testing.T) {
	s := lab(t)
	_, err := calendarOwner(background(t), labClient(t, s, Basic("bob", "bob-secret")), As{Impersonate: "ann@example.org"})
	wantMeaning(t, err, portal.ErrForbidden)
	_, err = calendarOwner(background(t), labClient(t, s, Basic("svc", "svc-secret")), As{Impersonate: "nobody@example.org"})
	if err == nil {
		t.Error("nobody has a calendar")
	}
}

func TestAStreamOfARealServer(t *testing.T) {
	s := lab(t)
	c := labClient(t, s, NTLM("ann", "ann-secret"))
	sub, err := c.Subscribe(background(t), As{}, &Subscribe{Streaming: &StreamingSubscription{Folders: []FolderRef{WellKnown("calendar", "")}, Events: []string{CreatedEvent, ModifiedEvent, DeletedEvent, MovedEvent}}})
	if err != nil || sub.Messages[0].Err() != nil {
		t.Fatal(err, sub)
	}
	ctx, cancel := context.WithTimeout(background(t), time.Minute)
	defer cancel()
	done := errors.New("heard")
	begun := false
	err = c.Stream(ctx, As{}, []string{sub.Messages[0].SubscriptionID}, 30, func(n Notification) error {
		if !begun {
			// The stream stands: now something happens.
			begun = true
			_, err := c.CreateItem(ctx, As{}, &CreateItem{SendInvitations: SendToNone, Items: []NewItem{{CalendarItem: &CalendarItem{Item: Item{Subject: "x"}, Start: At(time.Unix(1e9, 0)), End: At(time.Unix(1e9+3600, 0))}}}})
			return err
		}
		if slices.ContainsFunc(n.Events, func(e Event) bool { return e.Kind == CreatedEvent && e.ItemID != nil }) {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) {
		t.Fatalf("heard %v", err)
	}
	ended, err := c.Unsubscribe(background(t), As{}, &Unsubscribe{SubscriptionID: sub.Messages[0].SubscriptionID})
	if err != nil || ended.Messages[0].Err() != nil {
		t.Fatal(err, ended)
	}
	err = c.Stream(ctx, As{}, []string{sub.Messages[0].SubscriptionID}, 1, func(Notification) error { return nil })
	if err == nil || !SubscriptionLost(err) {
		t.Errorf("a stream of nothing: %v", err)
	}
}
