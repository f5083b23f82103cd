package calls_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"portico/app/calls"
	"portico/app/portal"
)

// voice is a voice mail system: mailboxes that hold spoken messages.
type voice struct {
	mu      sync.Mutex
	boxes   map[portal.Address][]portal.Voicemail
	watched map[portal.Address]func()
	fail    error
	read    int // recordings
	looks   int
	// block holds a reading of a recording up while it is set.
	block chan struct{}
	// now is how many recordings are being read, peak the most there were at once.
	now, peak int
}

func newVoice(n int) *voice {
	v := &voice{boxes: map[portal.Address][]portal.Voicemail{}, watched: map[portal.Address]func(){}}
	for i := range n {
		v.boxes[alice] = append(v.boxes[alice], portal.Voicemail{ID: fmt.Sprint("v", n-i), From: bob, At: noon(), Seconds: 3, Size: 100})
	}
	return v
}

func (v *voice) Voicemails(ctx context.Context, owner portal.Address) ([]portal.Voicemail, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.looks++
	if v.fail != nil {
		return nil, v.fail
	}
	return slices.Clone(v.boxes[owner]), ctx.Err()
}

func (v *voice) Recording(ctx context.Context, owner portal.Address, m portal.Voicemail, _ int64) (string, []byte, error) {
	v.mu.Lock()
	v.read++
	v.now++
	v.peak = max(v.peak, v.now)
	block, fail := v.block, v.fail
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		v.now--
		v.mu.Unlock()
	}()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return "", nil, ctx.Err()
		}
	}
	if fail != nil {
		return "", nil, fail
	}
	return "audio/wav", []byte(fmt.Sprintf("%-100s", m.ID)), nil
}

func (v *voice) MarkHeard(_ context.Context, owner portal.Address, id string, heard bool) error {
	return v.change(owner, id, func(m *portal.Voicemail) { m.Heard = heard })
}

func (v *voice) DeleteVoicemail(_ context.Context, owner portal.Address, id string) error {
	return v.change(owner, id, func(m *portal.Voicemail) { m.ID = "" })
}

func (v *voice) change(owner portal.Address, id string, f func(*portal.Voicemail)) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	i := slices.IndexFunc(v.boxes[owner], func(m portal.Voicemail) bool { return m.ID == id })
	if i < 0 {
		return portal.Fail(portal.ErrNotFound, "exchange.item")
	}
	f(&v.boxes[owner][i])
	v.boxes[owner] = slices.DeleteFunc(v.boxes[owner], func(m portal.Voicemail) bool { return m.ID == "" })
	return nil
}

func (v *voice) WatchVoicemail(owner portal.Address, rung func()) {
	v.mu.Lock()
	v.watched[owner] = rung
	v.mu.Unlock()
	rung()
}

func (v *voice) UnwatchVoicemail(owner portal.Address) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.watched, owner)
}

// leave leaves a message for alice and rings, where somebody listens.
func (v *voice) leave(m portal.Voicemail) {
	v.mu.Lock()
	v.boxes[alice] = append([]portal.Voicemail{m}, v.boxes[alice]...)
	rung := v.watched[alice]
	v.mu.Unlock()
	if rung != nil {
		rung()
	}
}

func (v *voice) set(fail error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fail = fail
}

func (v *voice) looked() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.looks
}

func (h *house) unheard(t *testing.T) int {
	t.Helper()
	_, n, err := h.Counts(t.Context(), alice)
	must(t, err)
	return n
}

func TestVoicemail(t *testing.T) {
	vm := newVoice(2)
	h := build(t, vm, nil, nil)
	ctx := t.Context()
	h.Waiting(ctx, alice, portal.Waiting{Known: true, Any: true, New: 5})
	if n := h.unheard(t); n != 5 { // as long as nobody has looked
		t.Errorf("%d unheard", n)
	}
	h.SignedIn(alice)
	h.SignedIn(alice)
	eventually(t, "the mailbox is read", func() bool { return h.unheard(t) == 2 })
	list, waiting, err := h.Voicemails(ctx, alice)
	if err != nil || len(list) != 2 || waiting.New != 5 || list[0].ID != "v2" {
		t.Errorf("voice mail %+v, %+v, %v", list, waiting, err)
	}
	vm.leave(portal.Voicemail{ID: "v3", From: carol})
	eventually(t, "one more is told of", func() bool { return slices.Contains(h.events(t), "voicemail created v3") })
	must(t, h.Heard(ctx, alice, "v3", true))
	if n := h.unheard(t); n != 2 {
		t.Errorf("%d unheard after one was heard", n)
	}
	v, audio, err := h.Recording(ctx, alice, "v1")
	must(t, err)
	data, err := io.ReadAll(audio)
	if err != nil || string(data) != fmt.Sprintf("%-100s", "v1") || v.Type != "audio/wav" || v.Size != 100 || v.From != bob {
		t.Errorf("recording %+v: %q, %v", v, data, err)
	}
	must(t, h.DeleteVoicemail(ctx, alice, "v1"))
	want := []string{"voicemail updated ", "voicemail created v3", "voicemail updated v3", "voicemail deleted v1"}
	if got := h.events(t); !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	looks := vm.looked()
	vm.watched[alice]() // the mailbox rings for what was done here
	eventually(t, "it is read again", func() bool { return vm.looked() > looks })
	vm.leave(portal.Voicemail{ID: "v4"})
	eventually(t, "only the new one is told of", func() bool { return slices.Equal(h.events(t), append(want, "voicemail created v4")) })
	for what, err := range map[string]error{
		"recording": func() error { _, _, err := h.Recording(ctx, alice, "v1"); return err }(),
		"heard":     h.Heard(ctx, alice, "v1", true),
		"deleted":   h.DeleteVoicemail(ctx, alice, "v1"),
		"bob's":     h.Heard(ctx, bob, "v2", true),
	} {
		if portal.Meaning(err) != portal.ErrNotFound || portal.Reason(err) != "voicemail.not-found" {
			t.Errorf("%s, of what is not there: %v", what, err)
		}
	}
	h.SignedOut(alice)
	if len(vm.watched) != 0 || h.unheard(t) != 0 {
		t.Errorf("still watched after the last sign-in ended: %v, %d", vm.watched, h.unheard(t))
	}
	if list, _, err := h.Voicemails(ctx, alice); err != nil || len(list) != 3 || h.unheard(t) != 0 {
		t.Errorf("read by one who is not followed: %v, %v", list, err)
	}
}

func TestNoVoicemail(t *testing.T) {
	h := build(t, nil, nil, nil)
	ctx := t.Context()
	h.SignedIn(alice)
	h.Waiting(ctx, alice, portal.Waiting{Known: true, New: 3, Old: 1})
	h.Waiting(ctx, alice, portal.Waiting{Known: true, New: 3, Old: 1}) // said again
	list, waiting, err := h.Voicemails(ctx, alice)
	if err != nil || len(list) != 0 || waiting.New != 3 || h.unheard(t) != 3 {
		t.Errorf("%v, %+v, %v", list, waiting, err)
	}
	_, _, err = h.Recording(ctx, alice, "x")
	for _, err := range []error{err, h.Heard(ctx, alice, "x", true), h.DeleteVoicemail(ctx, alice, "x")} {
		if portal.Meaning(err) != portal.ErrNotFound || portal.Reason(err) != "voicemail.none" {
			t.Errorf("%v", err)
		}
	}
	h.Waiting(ctx, alice, portal.Waiting{})
	if got := h.events(t); len(got) != 2 || h.unheard(t) != 0 {
		t.Errorf("events %q", got)
	}
	h.SignedOut(alice)
}

// TestVoicemailAway: what was there last is shown with the error, and news are caught up with.
func TestVoicemailAway(t *testing.T) {
	vm := newVoice(1)
	h := build(t, vm, nil, nil)
	ctx := t.Context()
	h.SignedIn(alice)
	eventually(t, "the mailbox is read", func() bool { return h.unheard(t) == 1 })
	vm.set(portal.Fail(portal.ErrUnavailable, "exchange.down"))
	looks := vm.looked()
	vm.leave(portal.Voicemail{ID: "new"})
	eventually(t, "it was looked for", func() bool { return vm.looked() > looks })
	list, _, err := h.Voicemails(ctx, alice)
	if portal.Meaning(err) != portal.ErrUnavailable || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	if _, _, err := h.Recording(ctx, alice, "v1"); portal.Meaning(err) != portal.ErrUnavailable {
		t.Errorf("recording: %v", err)
	}
	if err := h.Heard(ctx, alice, "new", true); portal.Meaning(err) != portal.ErrUnavailable {
		t.Errorf("heard: %v", err)
	}
	vm.set(nil)
	eventually(t, "the news come by themselves", func() bool {
		h.advance(time.Minute)
		return slices.Contains(h.events(t), "voicemail created new")
	})
	vm.set(context.DeadlineExceeded)
	if _, _, err := h.Voicemails(ctx, alice); portal.Meaning(err) != portal.ErrUnavailable {
		t.Errorf("too slow: %v", err)
	}
	vm.set(nil)
	vm.mu.Lock()
	vm.boxes[alice] = nil
	vm.mu.Unlock()
	if list, _, err := h.Voicemails(ctx, alice); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	if got := h.events(t); got[len(got)-1] != "voicemail updated " { // two went at once
		t.Errorf("events %q", got)
	}
}

func TestRecordings(t *testing.T) {
	vm := newVoice(6)
	vm.boxes[alice][0].Protected = true // v6
	vm.boxes[alice][1].Size = 1 << 40   // v5
	h := build(t, vm, nil, func(o *calls.Options) { o.Cache, o.MaxRecording = 250, 100 })
	ctx := t.Context()
	get := func(id string) error {
		_, audio, err := h.Recording(ctx, alice, id)
		if err == nil {
			data, err := io.ReadAll(audio)
			if err != nil || string(data) != fmt.Sprintf("%-100s", id) {
				t.Errorf("%s is %q, %v", id, data, err)
			}
		}
		return err
	}
	if err := get("v6"); portal.Reason(err) != "voicemail.protected" || portal.Meaning(err) != portal.ErrForbidden {
		t.Errorf("a protected one: %v", err)
	}
	if err := get("v5"); portal.Reason(err) != "voicemail.too-large" || portal.Meaning(err) != portal.ErrInvalid {
		t.Errorf("one too large: %v", err)
	}
	for _, step := range []struct {
		id   string
		read int
	}{{"v1", 1}, {"v1", 1}, {"v2", 2}, {"v1", 2}, {"v3", 3}, {"v1", 3}, {"v2", 4}, {"v3", 5}} { // two fit; the one not asked for the longest goes
		must(t, get(step.id))
		if vm.read != step.read {
			t.Errorf("%s: read %d times, want %d", step.id, vm.read, step.read)
		}
	}
	// Many who ask at once cost one reading.
	vm.mu.Lock()
	vm.read, vm.block = 0, make(chan struct{})
	vm.mu.Unlock()
	var crowd sync.WaitGroup
	for range 20 {
		crowd.Go(func() {
			if err := get("v4"); err != nil {
				t.Error(err)
			}
		})
	}
	impatient, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := h.Recording(impatient, alice, "v4"); !errors.Is(err, context.Canceled) {
		t.Errorf("one who does not wait: %v", err)
	}
	close(vm.block)
	crowd.Wait()
	vm.mu.Lock()
	defer vm.mu.Unlock()
	if vm.read > 2 { // the impatient one may have been the first
		t.Errorf("read %d times", vm.read)
	}
}

// TestFewRecordingsAtOnce: however many different ones are asked for, few are in memory on their way; who gives up does not hold the others up.
func TestFewRecordingsAtOnce(t *testing.T) {
	vm := newVoice(12)
	h := build(t, vm, nil, nil)
	if _, _, err := h.Voicemails(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	block := make(chan struct{})
	vm.mu.Lock()
	vm.block = block
	vm.mu.Unlock()
	impatient, cancel := context.WithCancel(t.Context())
	var crowd, few sync.WaitGroup
	for i := range 12 {
		ctx, group := t.Context(), &crowd
		if i >= 8 {
			ctx, group = impatient, &few
		}
		group.Go(func() {
			if _, _, err := h.Recording(ctx, alice, fmt.Sprint("v", i+1)); (err != nil) && ctx == t.Context() {
				t.Error(err)
			}
		})
	}
	reads := func() int {
		vm.mu.Lock()
		defer vm.mu.Unlock()
		return vm.read
	}
	eventually(t, "the first are read", func() bool { return reads() == 4 })
	cancel()
	few.Wait()
	close(block)
	crowd.Wait()
	if n := vm.most(); n > 4 {
		t.Errorf("%d at once", n)
	}
}

// most is how many recordings were read at once at most.
func (v *voice) most() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.peak
}
