package pidf

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"portico/app/portal"
)

func TestTheMemorySaysWhatTheDocumentSays(t *testing.T) {
	m := NewMemo(64 << 10)
	for _, name := range []string{"kamailio-merged.xml", "linphone-dnd.xml", "kamailio-merged.xml", "kamailio-merged.xml"} {
		b := read(t, name)
		who, claims, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		gotWho, got, err := m.Parse(b)
		if err != nil || gotWho != who || !slices.Equal(got, claims) {
			t.Errorf("%s: %s %+v, %v", name, gotWho, got, err)
		}
		got[0].Note = "changed by its reader" // must not show in the memory
	}
	if _, _, err := m.Parse([]byte("<presence>")); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("a broken document: %v", err)
	}
	if len(m.young) != 2 {
		t.Errorf("%d documents kept", len(m.young))
	}
}

func TestTheMemoryIsBounded(t *testing.T) {
	one := doc(tuple("0000", "open", ""))
	m := NewMemo(20 * len(one))
	for i := range 1000 {
		if _, _, err := m.Parse(doc(tuple(fmt.Sprintf("%04d", i), "open", ""))); err != nil {
			t.Fatal(err)
		}
		if _, _, err := m.Parse(one); err != nil { // always in use, never forgotten
			t.Fatal(err)
		}
		if n := len(m.young) + len(m.old); n > 20 {
			t.Fatalf("%d documents kept", n)
		}
		if _, ok := m.recall(one); !ok {
			t.Fatalf("forgotten after %d", i)
		}
	}
	if _, ok := m.recall(doc(tuple("0500", "open", ""))); ok {
		t.Error("an old document is still kept")
	}
	small := NewMemo(10)
	if _, claims, err := small.Parse(one); err != nil || len(claims) != 1 || len(small.young) != 0 {
		t.Errorf("a document beyond the budget: %v, %v, %d kept", claims, err, len(small.young))
	}
}

func TestTheMemoryIsSharedSafely(t *testing.T) {
	m := NewMemo(8 << 10)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 200 {
				id := fmt.Sprintf("%d", (i*7+w)%20)
				_, claims, err := m.Parse(doc(tuple(id, "open", "")))
				if err != nil || len(claims) != 1 || claims[0].Endpoint != id {
					t.Errorf("%s: %+v, %v", id, claims, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkMemo(b *testing.B) {
	m := NewMemo(1 << 20)
	in := read(b, "kamailio-merged.xml")
	b.ReportAllocs()
	for b.Loop() {
		if _, claims, err := m.Parse(in); err != nil || len(claims) != 4 {
			b.Fatal(err)
		}
	}
}
