package calsync_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"portico/app/calsync"
	"portico/app/portal"
)

// still is a service over an empty world, for what needs no engine.
func still(t testing.TB) (*calsync.Service, *book, *records, *sim) {
	t.Helper()
	now := func() time.Time { return dayZero }
	b, c, x := newBook(), newRecords(now, user(alice, true), user(bob, true), user(carol, false)), newSim(now, alice, bob)
	s := calsync.New(c, x, b, calsync.Options{Now: now, Steady: true})
	if err := s.Begin(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s, b, c, x
}

func draftOf(owner portal.Address, subject string) portal.Appointment {
	start := dayZero.Add(48 * time.Hour)
	return portal.Appointment{Calendar: owner, Subject: subject, Start: start, End: start.Add(time.Hour), TimeZone: "Europe/Berlin", Show: portal.ShowBusy}
}

func TestTheQueueGoesOutAndComesIn(t *testing.T) {
	ctx := context.Background()
	s, b, c, x := still(t)
	r := c.create(draftOf(alice, "open <talk> & more"))
	secret := draftOf(alice, "secret")
	secret.Private = true
	p := c.create(secret)
	x.user(func() { x.make(alice, draftOf(alice, "at Outlook"), "", false, false) })
	if err := s.ReadCRM(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.ReadDue(ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(b.waiting()); n != 3 {
		t.Fatalf("%d jobs wait", n)
	}
	raw, err := s.ExportQueue(ctx, portal.SyncQueueFilter{})
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, want := range []string{`key="` + r.ID + `"`, "open &lt;talk&gt; &amp; more", `direction="crm-to-exchange"`, `direction="exchange-to-crm"`, "at Outlook", `mailbox="sip:alice@example.test"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the file lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "secret") {
		t.Errorf("the file tells what is private:\n%s", text)
	}
	for _, j := range b.waiting() {
		if err := s.Discard(ctx, alice, j.Seq, "in the test"); err != nil {
			t.Fatal(err)
		}
	}
	c.delete(p.ID)
	n, err := s.ImportQueue(ctx, alice, raw)
	if err != nil || n != 3 {
		t.Fatalf("%d jobs came in, %v", n, err)
	}
	if got := b.waiting(); len(got) != 3 || got[0].State != portal.JobWaiting || got[0].Key != r.ID {
		t.Errorf("the queue is %+v", got)
	}
	again, err := s.ImportQueue(ctx, alice, raw)
	if err != nil || again != 3 || len(b.waiting()) != 3 {
		t.Errorf("the same file again gave %d jobs, %d in all, %v", again, len(b.waiting()), err)
	}
}

func TestAJobOfNothingIsAFinding(t *testing.T) {
	ctx := context.Background()
	s, b, _, _ := still(t)
	raw := []byte(`<sync-queue version="1" written="2027-01-01T00:00:00Z"><job key="crm-nothing" direction="crm-to-exchange" mailbox="sip:alice@example.test" state="failed" tries="1" made="2027-01-01T00:00:00Z"></job></sync-queue>`)
	n, err := s.ImportQueue(ctx, alice, raw)
	if err != nil || n != 0 || len(b.waiting()) != 0 {
		t.Fatalf("%d jobs came in, %d wait, %v", n, len(b.waiting()), err)
	}
	log, err := s.Log(ctx, portal.SyncLogFilter{What: "retry"})
	if err != nil || len(log) != 1 || log[0].Result != "skipped" || log[0].Reason != "sync.gone" || log[0].By != string(alice) {
		t.Errorf("the log says %+v, %v", log, err)
	}
}

func TestWhatIsNoQueueIsRefused(t *testing.T) {
	s, _, _, _ := still(t)
	job := `<job key="crm-1" direction="crm-to-exchange" mailbox="" state="failed" tries="1" made="2027-01-01T00:00:00Z"></job>`
	for name, raw := range map[string]string{
		"nothing":          "",
		"no XML":           "hello",
		"another document": "<other/>",
		"another version":  `<sync-queue version="2" written="2027-01-01T00:00:00Z"></sync-queue>`,
		"a document type":  `<!DOCTYPE x [<!ENTITY a "b">]><sync-queue version="1" written="2027-01-01T00:00:00Z">` + job + `</sync-queue>`,
		"too deep":         `<sync-queue version="1" written="2027-01-01T00:00:00Z"><job><a><b><c/></b></a></job></sync-queue>`,
		"no direction":     strings.Replace(`<sync-queue version="1" written="2027-01-01T00:00:00Z">`+job+`</sync-queue>`, "crm-to-exchange", "up", 1),
		"a strange key":    strings.Replace(`<sync-queue version="1" written="2027-01-01T00:00:00Z">`+job+`</sync-queue>`, "crm-1", "1", 1),
		"no address":       strings.Replace(`<sync-queue version="1" written="2027-01-01T00:00:00Z">`+job+`</sync-queue>`, `mailbox=""`, `mailbox="x"`, 1),
		"cut off":          `<sync-queue version="1" written="2027-01-01T00:00:00Z"><job`,
		"too many jobs":    `<sync-queue version="1" written="2027-01-01T00:00:00Z">` + strings.Repeat(job, 10_001) + `</sync-queue>`,
		"too large":        `<sync-queue version="1" written="2027-01-01T00:00:00Z"><!--` + strings.Repeat("x", portal.MaxQueueFile) + `--></sync-queue>`,
	} {
		if n, err := s.ImportQueue(context.Background(), alice, []byte(raw)); !errors.Is(err, portal.ErrInvalid) || n != 0 {
			t.Errorf("%s: %d jobs, %v", name, n, err)
		}
	}
}

// What is written can be taken in, however much waits: a file that is full says where the next begins.
func TestAQueueOfAnySizeGoesOutInFilesThatComeIn(t *testing.T) {
	ctx := t.Context()
	s, b, c, _ := still(t)
	const n = 400
	for i := range n {
		a := draftOf(alice, fmt.Sprintf("q%d x", i))
		long := strings.Repeat("&", 2500) // each of which takes five bytes in a file
		a.Body, a.Location, a.Categories = "ä"+long, long, []string{long}
		c.create(a)
	}
	if err := s.ReadCRM(ctx); err != nil {
		t.Fatal(err)
	}
	if got := len(b.waiting()); got != n {
		t.Fatalf("%d jobs wait", got)
	}
	var in, files int
	for f := (portal.SyncQueueFilter{}); ; files++ {
		raw, err := s.ExportQueue(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > portal.MaxQueueFile || !bytes.Contains(raw, []byte(`name="body" shortened="true"`)) {
			t.Fatalf("file %d has %d bytes", files, len(raw))
		}
		var head struct {
			Next int64 `xml:"next,attr"`
		}
		if err := xml.Unmarshal(raw, &head); err != nil {
			t.Fatal(err)
		}
		got, err := s.ImportQueue(ctx, alice, raw)
		if err != nil {
			t.Fatalf("file %d does not come in: %v", files, err)
		}
		if in += got; head.Next == 0 {
			break
		}
		if head.Next <= f.After {
			t.Fatalf("file %d goes on after %d, as it began after %d", files, head.Next, f.After)
		}
		f.After = head.Next
	}
	if in != n || files == 0 {
		t.Errorf("%d jobs came in from %d full files", in, files)
	}
}

func FuzzImportQueue(f *testing.F) {
	s, b, c, _ := still(f)
	c.create(draftOf(alice, "one"))
	if err := s.ReadCRM(context.Background()); err != nil {
		f.Fatal(err)
	}
	raw, err := s.ExportQueue(context.Background(), portal.SyncQueueFilter{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(bytes.ReplaceAll(raw, []byte("crm-to-exchange"), []byte("exchange-to-crm")))
	f.Add([]byte(`<sync-queue version="1" written="2027-01-01T00:00:00Z"><job key="uid:x" direction="exchange-to-crm" mailbox="" state="" tries="0" made="2027-01-01T00:00:00Z"/></sync-queue>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := s.ImportQueue(context.Background(), alice, data)
		if err != nil && (n != 0 || !errors.Is(err, portal.ErrInvalid)) {
			t.Fatalf("%d jobs and %v", n, err)
		}
		for _, j := range b.waiting() {
			if j.Key != "crm-made-1" {
				t.Fatalf("a job of nothing came in: %+v", j)
			}
		}
	})
}
