package realtime

import (
	"fmt"
	"testing"
)

func bodies(frames []*Frame) string {
	s := ""
	for _, f := range frames {
		s += string(f.Body(Audience{})) + " "
	}
	return s
}

func TestANewerCurrentValueReplacesAnOlderUnsentOne(t *testing.T) {
	for _, keys := range []int{3, indexFrom + 5} { // by search and by index
		var q queue
		for i := range keys {
			for v := range 3 {
				if !q.put(NewFrame(0, fmt.Sprint(i), text(fmt.Sprintf("%d.%d", i, v)))) {
					t.Fatal("did not fit")
				}
			}
		}
		want := ""
		for i := range keys {
			want += fmt.Sprintf("%d.2 ", i)
		}
		if got := bodies(q.take()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if !q.empty() {
			t.Error("not empty after take")
		}
	}
}

func TestOrderedFramesComeFirstAndInOrder(t *testing.T) {
	var q queue
	for _, f := range []*Frame{NewFrame(0, "k", text("current")), NewFrame(1, "", text("one")), NewAnswer([]byte("answer")), NewFrame(2, "", text("two"))} {
		if !q.put(f) {
			t.Fatal("did not fit")
		}
	}
	if got := bodies(q.take()); got != "one answer two current " {
		t.Errorf("got %s", got)
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	var q queue
	for i := range maxDurable {
		if !q.put(NewFrame(int64(i+1), "", text("x"))) {
			t.Fatalf("frame %d did not fit", i)
		}
	}
	if q.put(NewFrame(maxDurable+1, "", text("x"))) {
		t.Error("a durable frame too many fitted")
	}
	if q.put(NewAnswer([]byte("x"))) {
		t.Error("an answer too many fitted")
	}
	for i := range maxCurrent {
		if !q.put(NewFrame(0, fmt.Sprint(i), text("x"))) {
			t.Fatalf("key %d did not fit", i)
		}
	}
	if q.put(NewFrame(0, "one more", text("x"))) {
		t.Error("a key too many fitted")
	}
	if !q.put(NewFrame(0, "0", text("newer"))) {
		t.Error("a newer value of a waiting key did not fit")
	}
}

func TestDroppingDurableFramesKeepsAnswersAndCurrentOnes(t *testing.T) {
	var q queue
	for _, f := range []*Frame{NewFrame(1, "", text("one")), NewAnswer([]byte("answer")), NewFrame(2, "", text("two")), NewFrame(0, "k", text("current"))} {
		q.put(f)
	}
	q.dropDurable()
	if got := bodies(q.take()); got != "answer current " {
		t.Errorf("got %s", got)
	}
}

func TestAFrameIsRenderedOnceForEachAudience(t *testing.T) {
	calls := map[Audience]int{}
	f := NewFrame(1, "", func(a Audience) []byte { calls[a]++; return []byte(a.Locale) })
	en, de := Audience{Locale: "en"}, Audience{Locale: "de", Encoding: HTML}
	for range 3 {
		if string(f.Body(en)) != "en" || string(f.Body(de)) != "de" {
			t.Error("wrong rendering")
		}
	}
	if calls[en] != 1 || calls[de] != 1 {
		t.Errorf("rendered %v", calls)
	}
}

func TestCloseCodesTellWhetherToComeBack(t *testing.T) {
	for reason, want := range map[string]int{
		ReasonDraining: CloseComeBack, ReasonUnavailable: CloseComeBack, ReasonSessionEnded: CloseEnded,
		ReasonTooSlow: CloseTooSlow, ReasonTooMany: CloseTooMany,
	} {
		if got := CloseCode(reason); got != want {
			t.Errorf("%s: code %d, want %d", reason, got, want)
		}
	}
}
