package blobs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"

	"portico/app/portal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that a test turns.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) later(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t *testing.T) (*Store, *clock) {
	t.Helper()
	c := &clock{now: time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)}
	s, err := Open(filepath.Join(t.TempDir(), "blobs"), c.time)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func put(t *testing.T, s *Store, content string) string {
	t.Helper()
	blob, size, err := s.Put(t.Context(), strings.NewReader(content), 1000)
	if err != nil || size != int64(len(content)) {
		t.Fatalf("%d bytes, %v", size, err)
	}
	return blob
}

func read(t *testing.T, s *Store, blob string) string {
	t.Helper()
	f, err := s.Open(t.Context(), blob)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// files counts what is on disk: whole blobs, and unfinished ones.
func files(t *testing.T, s *Store) (whole, parts int) {
	t.Helper()
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
		case filepath.Base(filepath.Dir(path)) == incoming:
			parts++
		default:
			whole++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return whole, parts
}

func TestPutAndOpen(t *testing.T) {
	s, _ := open(t)
	one, two, same := put(t, s, "one"), put(t, s, "two"), put(t, s, "one")
	if one != same || one == two || !named(one) {
		t.Errorf("%s %s %s", one, two, same)
	}
	if one != "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed" {
		t.Errorf("not the SHA-256 of the content: %s", one)
	}
	if read(t, s, one) != "one" || read(t, s, two) != "two" {
		t.Error("not what was put")
	}
	if whole, parts := files(t, s); whole != 2 || parts != 0 {
		t.Errorf("%d blobs, %d parts", whole, parts)
	}
	again, err := Open(s.dir, nil)
	if err != nil || read(t, again, two) != "two" {
		t.Errorf("after a start: %v", err)
	}
	if f, err := s.Open(t.Context(), one); err != nil {
		t.Error(err)
	} else {
		if _, err := f.Seek(1, io.SeekStart); err != nil {
			t.Error(err)
		}
		if rest, err := io.ReadAll(f); err != nil || string(rest) != "ne" {
			t.Errorf("%q %v", rest, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatIsNoBlob(t *testing.T) {
	s, _ := open(t)
	for _, blob := range []string{"", "..", "../../etc/passwd", strings.Repeat("a", 63), strings.Repeat("A", 64), strings.Repeat("a", 64), strings.Repeat("/", 64)} {
		if _, err := s.Open(t.Context(), blob); !errors.Is(err, portal.ErrNotFound) || portal.Reason(err) != "file.not-found" {
			t.Errorf("%q: %v", blob, err)
		}
	}
}

func TestNothingStaysOfWhatFails(t *testing.T) {
	s, _ := open(t)
	if _, _, err := s.Put(t.Context(), strings.NewReader(strings.Repeat("x", 1001)), 1000); !errors.Is(err, portal.ErrInvalid) || portal.Reason(err) != "file.too-large" {
		t.Errorf("too large: %v", err)
	}
	if _, size, err := s.Put(t.Context(), strings.NewReader(strings.Repeat("x", 1000)), 1000); err != nil || size != 1000 {
		t.Errorf("just small enough: %d %v", size, err)
	}
	broken := errors.New("the browser went away")
	if _, _, err := s.Put(t.Context(), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), 1000); !errors.Is(err, broken) {
		t.Errorf("half: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Put(ctx, strings.NewReader("late"), 1000); !errors.Is(err, context.Canceled) {
		t.Errorf("late: %v", err)
	}
	if whole, parts := files(t, s); whole != 1 || parts != 0 {
		t.Errorf("%d blobs, %d parts", whole, parts)
	}
	if err := os.RemoveAll(s.dir); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Put(t.Context(), strings.NewReader("x"), 10); !errors.Is(err, portal.ErrUnavailable) {
		t.Errorf("without a folder: %v", err)
	}
	if _, err := Open(filepath.Join(os.DevNull, "x"), nil); err == nil {
		t.Error("a folder where none can be")
	}
}

func TestSweep(t *testing.T) {
	s, c := open(t)
	used, unused, renewed := put(t, s, "used"), put(t, s, "unused"), put(t, s, "renewed")
	old := filepath.Join(s.dir, incoming, "blob-left")
	stranger := filepath.Join(s.dir, "notes.txt")
	for _, path := range []string{old, stranger} {
		if err := errors.Join(os.WriteFile(path, []byte("x"), 0o600), os.Chtimes(path, c.time(), c.time())); err != nil {
			t.Fatal(err)
		}
	}
	asked := 0
	named := func(_ context.Context, blob string) (bool, error) { asked++; return blob == used, nil }
	c.later(23 * time.Hour)
	if n, freed, err := s.Sweep(t.Context(), named); n != 0 || freed != 0 || err != nil || asked != 0 {
		t.Errorf("before a day: %d %d %v, asked %d", n, freed, err, asked)
	}
	put(t, s, "renewed")
	c.later(2 * time.Hour)
	if n, freed, err := s.Sweep(t.Context(), named); n != 2 || freed != int64(len("unused")+1) || err != nil || asked != 2 {
		t.Errorf("after a day: %d %d %v, asked %d", n, freed, err, asked)
	}
	if read(t, s, used) != "used" || read(t, s, renewed) != "renewed" {
		t.Error("one too many was removed")
	}
	if _, err := s.Open(t.Context(), unused); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("still there: %v", err)
	}
	if _, err := os.Stat(stranger); err != nil {
		t.Errorf("what is not ours: %v", err)
	}
	c.later(25 * time.Hour)
	down := portal.Fail(portal.ErrUnavailable, "storage.busy")
	if n, _, err := s.Sweep(t.Context(), func(context.Context, string) (bool, error) { return false, down }); n != 0 || !errors.Is(err, portal.ErrUnavailable) {
		t.Errorf("nobody can say: %d %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, _, err := s.Sweep(ctx, named); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("no time: %d %v", n, err)
	}
}

// A blob that is put while the sweep asks about it stays.
func TestSweepAgainstPut(t *testing.T) {
	s, c := open(t)
	var all sync.WaitGroup
	for i := range 20 {
		put(t, s, strings.Repeat("x", i+1))
	}
	c.later(25 * time.Hour)
	var blobs sync.Map
	for i := range 20 {
		all.Go(func() {
			blob, _, err := s.Put(t.Context(), strings.NewReader(strings.Repeat("x", i+1)), 1000)
			if err != nil {
				t.Errorf("put: %v", err)
			}
			blobs.Store(blob, i+1)
		})
	}
	all.Go(func() {
		if _, _, err := s.Sweep(t.Context(), func(context.Context, string) (bool, error) { return false, nil }); err != nil {
			t.Errorf("sweep: %v", err)
		}
	})
	all.Wait()
	blobs.Range(func(blob, size any) bool {
		if got := read(t, s, blob.(string)); len(got) != size.(int) {
			t.Errorf("%s has %d bytes", blob, len(got))
		}
		return true
	})
}
