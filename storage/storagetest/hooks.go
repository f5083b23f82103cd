package storagetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// HookStore is what the webhooks ask of storage.
type HookStore interface {
	HookEndpoints(ctx context.Context) ([]portal.HookEndpoint, error)
	HookEndpoint(ctx context.Context, id string) (portal.HookEndpoint, error)
	SaveHookEndpoint(ctx context.Context, e portal.HookEndpoint) (portal.HookEndpoint, error)
	DeleteHookEndpoint(ctx context.Context, id string) error
	TakeHookChanges(ctx context.Context, endpoint string, cursor int64, list []portal.HookDelivery) error
	DueHookDeliveries(ctx context.Context, now time.Time, limit int) ([]portal.HookDelivery, error)
	NextHookDelivery(ctx context.Context) (time.Time, error)
	SaveHookDelivery(ctx context.Context, d portal.HookDelivery) error
	HookDelivery(ctx context.Context, seq int64) (portal.HookDelivery, error)
	HookDeliveries(ctx context.Context, endpoint, state string, before int64, limit int) ([]portal.HookDelivery, error)
	PruneHookDeliveries(ctx context.Context, before time.Time) error
}

func endpoint(id string) portal.HookEndpoint {
	return portal.HookEndpoint{ID: id, Name: "Name " + id, URL: "https://crm.example/" + id, Secret: []byte("sealed " + id), Private: true, Active: true,
		Cursor: 5, CreatedAt: noon()}
}

func delivery(n int, key string) portal.HookDelivery {
	return portal.HookDelivery{ID: fmt.Sprint("id-", n), Key: key, Type: "appointment.updated", Payload: []byte(`{"n":1}`), State: portal.HookWaiting, MadeAt: noon()}
}

func testHookEndpoints(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	_, err := s.HookEndpoint(ctx, "a")
	wantMeaning(t, err, portal.ErrNotFound)
	wantMeaning(t, s.DeleteHookEndpoint(ctx, "a"), portal.ErrNotFound)
	_, err = s.SaveHookEndpoint(ctx, portal.HookEndpoint{})
	wantMeaning(t, err, portal.ErrInvalid)
	first, err := s.SaveHookEndpoint(ctx, endpoint("a"))
	must(t, err)
	want := endpoint("a")
	want.Version = 1
	if got, err := s.HookEndpoint(ctx, "a"); err != nil || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(first, want) {
		t.Errorf("saved %+v, got %+v, %v", first, got, err)
	}
	_, err = s.SaveHookEndpoint(ctx, endpoint("a"))
	wantMeaning(t, err, portal.ErrConflict)
	must(t, s.TakeHookChanges(ctx, "a", 9, nil))
	changed := first
	changed.Name, changed.Active, changed.Cursor = "other", false, 1
	after, err := s.SaveHookEndpoint(ctx, changed)
	must(t, err)
	changed.Version, changed.Cursor = 2, 9 // where it had got to
	if got, err := s.HookEndpoint(ctx, "a"); err != nil || !reflect.DeepEqual(got, changed) || !reflect.DeepEqual(after, changed) {
		t.Errorf("saved %+v, got %+v, %v", after, got, err)
	}
	_, err = s.SaveHookEndpoint(ctx, first)
	wantMeaning(t, err, portal.ErrConflict)
	b, err := s.SaveHookEndpoint(ctx, endpoint("b"))
	must(t, err)
	if list, err := s.HookEndpoints(ctx); err != nil || !reflect.DeepEqual(list, []portal.HookEndpoint{changed, b}) {
		t.Errorf("%+v, %v", list, err)
	}
	must(t, s.TakeHookChanges(ctx, "b", 6, []portal.HookDelivery{delivery(1, "k")}))
	must(t, s.DeleteHookEndpoint(ctx, "b"))
	_, err = s.HookDelivery(ctx, 1)
	wantMeaning(t, err, portal.ErrNotFound)
}

func deliveryIDs(list []portal.HookDelivery) []string {
	out := []string{}
	for _, d := range list {
		out = append(out, d.ID)
	}
	return out
}

// dueDeliveries asks for what is due and wants these, in this order.
func dueDeliveries(t *testing.T, s Store, now time.Time, limit int, want ...string) []portal.HookDelivery {
	t.Helper()
	list, err := s.DueHookDeliveries(deadline(t), now, limit)
	if err != nil || !slices.Equal(deliveryIDs(list), append([]string{}, want...)) {
		t.Errorf("due: %v, %v; want %v", deliveryIDs(list), err, want)
	}
	return list
}

// testHookOrder: the changes of one record go out one after the other, and none waits for another record's or endpoint's.
func testHookOrder(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	for _, id := range []string{"a", "b", "off"} {
		e := endpoint(id)
		e.Active = id != "off"
		_, err := s.SaveHookEndpoint(ctx, e)
		must(t, err)
	}
	if next, err := s.NextHookDelivery(ctx); err != nil || !next.IsZero() {
		t.Errorf("next %v, %v", next, err)
	}
	must(t, s.TakeHookChanges(ctx, "off", 9, []portal.HookDelivery{delivery(0, "k")}))
	dueDeliveries(t, s, noon(), 9)
	must(t, s.TakeHookChanges(ctx, "a", 9, []portal.HookDelivery{delivery(1, "k"), delivery(2, "other"), delivery(3, "k"), delivery(4, "k")}))
	must(t, s.TakeHookChanges(ctx, "a", 9, []portal.HookDelivery{delivery(99, "twice")}))
	must(t, s.TakeHookChanges(ctx, "a", 8, []portal.HookDelivery{delivery(99, "late")}))
	wantMeaning(t, s.TakeHookChanges(ctx, "none", 9, []portal.HookDelivery{delivery(99, "x")}), portal.ErrNotFound)
	must(t, s.TakeHookChanges(ctx, "b", 9, []portal.HookDelivery{delivery(5, "k")}))
	if next, err := s.NextHookDelivery(ctx); err != nil || next.IsZero() || next.After(noon()) {
		t.Errorf("next %v, %v", next, err)
	}
	list := dueDeliveries(t, s, noon(), 9, "id-1", "id-2", "id-5")
	dueDeliveries(t, s, noon(), 2, "id-1", "id-5") // an equal part for each
	dueDeliveries(t, s, noon(), 0)
	want := delivery(1, "k")
	want.Seq, want.Endpoint = 2, "a"
	if len(list) != 3 || !reflect.DeepEqual(list[0], want) {
		t.Fatalf("stored %+v, got %+v", want, list)
	}
	// One that is tried again later keeps its place.
	first := list[0]
	first.Tries, first.NotBefore, first.Status, first.Reason = 1, noon().Add(time.Minute), 503, "away"
	must(t, s.SaveHookDelivery(ctx, first))
	dueDeliveries(t, s, noon(), 9, "id-2", "id-5")
	dueDeliveries(t, s, noon().Add(time.Minute), 9, "id-1", "id-2", "id-5")
	for _, d := range list[1:] {
		d.State, d.DoneAt, d.Status = portal.HookDone, noon(), 204
		must(t, s.SaveHookDelivery(ctx, d))
	}
	if next, err := s.NextHookDelivery(ctx); err != nil || !next.Equal(first.NotBefore) {
		t.Errorf("next %v, %v", next, err)
	}
	// One that is given up makes way, and takes its place again when it is sent again.
	first.State, first.DoneAt = portal.HookFailed, noon()
	must(t, s.SaveHookDelivery(ctx, first))
	if got, err := s.HookDelivery(ctx, first.Seq); err != nil || !reflect.DeepEqual(got, first) {
		t.Errorf("saved %+v, got %+v, %v", first, got, err)
	}
	dueDeliveries(t, s, noon(), 9, "id-3")
	first.State, first.NotBefore, first.DoneAt = portal.HookWaiting, time.Time{}, time.Time{}
	must(t, s.SaveHookDelivery(ctx, first))
	dueDeliveries(t, s, noon(), 9, "id-1")
	wantMeaning(t, s.SaveHookDelivery(ctx, portal.HookDelivery{Seq: 99}), portal.ErrNotFound)
}

func testHookLists(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	_, err := s.SaveHookEndpoint(ctx, endpoint("a"))
	must(t, err)
	var list []portal.HookDelivery
	for i := 1; i <= 5; i++ {
		list = append(list, delivery(i, fmt.Sprint("k", i)))
	}
	must(t, s.TakeHookChanges(ctx, "a", 9, list))
	for i, state := range []string{portal.HookDone, portal.HookFailed, portal.HookDone} {
		d := list[i]
		d.Seq, d.State, d.DoneAt = int64(i)+1, state, noon().Add(time.Duration(i)*time.Hour)
		must(t, s.SaveHookDelivery(ctx, d))
	}
	for _, c := range []struct {
		endpoint, state string
		before          int64
		limit           int
		want            []string
	}{
		{"a", "", 0, 9, []string{"id-5", "id-4", "id-3", "id-2", "id-1"}}, {"a", "", 4, 2, []string{"id-3", "id-2"}},
		{"a", portal.HookDone, 0, 9, []string{"id-3", "id-1"}}, {"a", portal.HookDone, 3, 9, []string{"id-1"}}, {"b", "", 0, 9, []string{}},
		{"a", portal.HookWaiting, 0, 9, []string{"id-5", "id-4"}},
	} {
		if got, err := s.HookDeliveries(ctx, c.endpoint, c.state, c.before, c.limit); err != nil || !slices.Equal(deliveryIDs(got), c.want) {
			t.Errorf("%+v: %v, %v", c, deliveryIDs(got), err)
		}
	}
	must(t, s.PruneHookDeliveries(ctx, noon().Add(2*time.Hour)))
	if got, err := s.HookDeliveries(ctx, "a", "", 0, 9); err != nil || !slices.Equal(deliveryIDs(got), []string{"id-5", "id-4", "id-3"}) {
		t.Errorf("after pruning: %v, %v", deliveryIDs(got), err)
	}
}
