package ewslab

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// full is a server whose first mailbox holds so many appointments, an hour apart.
func full(b *testing.B, mailboxes, appointments int) (*Server, []Person) {
	b.Helper()
	var people []Person
	for n := range mailboxes {
		people = append(people, Person{User: fmt.Sprintf("u%d", n), Name: "U", Password: "p"})
	}
	s, err := New(Config{People: people, Now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	err = s.update(context.Background(), func(x *tx) error {
		f, err := x.standard(s.people.mailbox("u0").ID, "calendar")
		if err != nil {
			return err
		}
		for n := range appointments {
			start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Hour)
			it := &item{Mailbox: f.Mailbox, Folder: f.ID, Elem: "CalendarItem", Read: true, Props: t("CalendarItem", t("Subject", fmt.Sprint("Appointment ", n)),
				t("Body", at("BodyType", "Text"), strings.Repeat("text ", 50)), t("Start", start), t("End", start.Add(time.Hour)), t("UID", fmt.Sprint(n)))}
			if err := x.insertItem(it); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return s, people
}

// answers serves one request without a network and demands success.
func answers(b *testing.B, s *Server, body string) string {
	b.Helper()
	r, err := http.NewRequest(http.MethodPost, Path, strings.NewReader(envelopeOf("", body)))
	if err != nil {
		b.Fatal(err)
	}
	r.SetBasicAuth("u0", "p")
	w := &recorder{header: http.Header{}}
	s.Handler().ServeHTTP(w, r)
	if !strings.Contains(w.text.String(), "NoError") {
		b.Fatalf("%.500s", w.text.String())
	}
	return w.text.String()
}

type recorder struct {
	header http.Header
	text   strings.Builder
}

func (r *recorder) Header() http.Header               { return r.header }
func (r *recorder) WriteHeader(int)                   {}
func (r *recorder) Write(data []byte) (int, error)    { return r.text.Write(data) }
func (r *recorder) WriteString(s string) (int, error) { return io.WriteString(&r.text, s) }

func BenchmarkWeekOfTenThousand(b *testing.B) {
	s, _ := full(b, 1, 10_000)
	body := `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:CalendarView StartDate="2026-09-01T00:00:00Z" EndDate="2026-09-08T00:00:00Z"/><m:ParentFolderIds>` + folderID("calendar") + `</m:ParentFolderIds></m:FindItem>`
	for b.Loop() {
		answers(b, s, body)
	}
}

func BenchmarkFirstSyncOfTenThousand(b *testing.B) {
	s, _ := full(b, 1, 10_000)
	for b.Loop() {
		state, pages := "", 0
		for {
			text := answers(b, s, syncItems(state, 512))
			pages++
			_, state, _ = strings.Cut(text, "<m:SyncState>")
			state, _, _ = strings.Cut(state, "<")
			if strings.Contains(text, "<m:IncludesLastItemInRange>true") {
				break
			}
		}
		if pages != 20 {
			b.Fatalf("%d pages", pages)
		}
	}
}

func BenchmarkRestrictionOverTenThousand(b *testing.B) {
	s, _ := full(b, 1, 10_000)
	body := `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:Restriction><t:Contains ContainmentMode="Substring" ContainmentComparison="IgnoreCase"><t:FieldURI FieldURI="item:Subject"/><t:Constant Value="9999"/></t:Contains></m:Restriction><m:ParentFolderIds>` + folderID("calendar") + `</m:ParentFolderIds></m:FindItem>`
	for b.Loop() {
		answers(b, s, body)
	}
}

func BenchmarkThousandMailboxes(b *testing.B) {
	for b.Loop() {
		full(b, 1000, 0)
	}
}
