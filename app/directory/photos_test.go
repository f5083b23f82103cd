package directory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

var (
	png  = []byte("\x89PNG\r\n\x1a\nrest")
	jpeg = []byte("\xff\xd8\xff\xe0rest")
)

// album is a source with pictures.
type album struct {
	shelf
	pictures map[portal.Address][]byte
	fails    error
	asked    int
	hold     chan struct{}
}

func (a *album) Photo(ctx context.Context, p portal.Person) ([]byte, string, error) {
	a.mu.Lock()
	a.asked++
	hold, data, fails := a.hold, a.pictures[p.URI], a.fails
	a.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, "", ctx.Err()
		}
	}
	if fails != nil {
		return nil, "", fails
	}
	if data == nil {
		return nil, "", portal.Fail(portal.ErrNotFound, "directory.photo")
	}
	return data, "text/html", nil // what it calls the type does not count
}

func (a *album) times() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// byURI is a source whose pictures need the address alone.
type byURI struct{ shelf }

func (b *byURI) Photo(_ context.Context, of portal.Address) ([]byte, string, error) {
	if of != "sip:b@x.test" {
		return nil, "", portal.Fail(portal.ErrNotFound, "directory.photo")
	}
	return jpeg, "image/jpeg", nil
}

func pictured(t *testing.T, a *album, o Options, more ...Source) *Service {
	t.Helper()
	s := New(append([]Source{a}, more...), o)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPhotos(t *testing.T) {
	now := time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)
	first := &album{shelf: shelf{name: "ldap", people: []portal.Person{person("a@x.test", "A"), person("b@x.test", "B"), person("c@x.test", "C"),
		{URI: "sip:big@x.test"}, {URI: "sip:page@x.test"}, {URI: "sip:list@x.test", Group: true}}},
		pictures: map[portal.Address][]byte{"sip:a@x.test": png, "sip:big@x.test": append(bytes.Clone(png), make([]byte, MaxPhoto)...),
			"sip:page@x.test": []byte("<html>")}}
	second := &byURI{shelf{name: "other", people: []portal.Person{person("b@x.test", "B"), person("d@x.test", "D")}}}
	plain := Static("plain", []portal.Person{person("e@x.test", "E"), {URI: "sip:f@x.test", Photo: "/f.png"}})
	s := pictured(t, first, Options{Now: func() time.Time { return now }}, second, plain)
	for uri, want := range map[portal.Address]string{"sip:a@x.test": "image/png", "sip:b@x.test": "image/jpeg", "sip:c@x.test": "", "sip:d@x.test": "",
		"sip:e@x.test": "", "sip:big@x.test": "", "sip:page@x.test": "", "sip:list@x.test": "", "sip:nobody@x.test": ""} {
		data, contentType, err := s.Photo(t.Context(), uri)
		switch {
		case want == "" && (portal.Meaning(err) != portal.ErrNotFound || portal.Reason(err) != "directory.photo" || len(data) > 0):
			t.Errorf("%s: %d bytes, %v", uri, len(data), err)
		case want != "" && (err != nil || contentType != want || len(data) == 0):
			t.Errorf("%s: %d bytes of %q, %v", uri, len(data), contentType, err)
		}
	}
	for uri, want := range map[portal.Address]string{"sip:a@x.test": "/photos/sip:a@x.test", "sip:d@x.test": "/photos/sip:d@x.test", "sip:e@x.test": "",
		"sip:f@x.test": "/f.png", "sip:list@x.test": ""} {
		if p := s.Lookup(t.Context(), uri); p.Photo != want {
			t.Errorf("%s has the picture %q, want %q", uri, p.Photo, want)
		}
	}
	asked := first.times()
	for range 3 {
		for _, uri := range []portal.Address{"sip:a@x.test", "sip:c@x.test"} {
			if _, _, err := s.Photo(t.Context(), uri); err != nil && portal.Meaning(err) != portal.ErrNotFound {
				t.Error(err)
			}
		}
	}
	if n := first.times(); n != asked {
		t.Errorf("asked %d times more for what is known", n-asked)
	}
	now = now.Add(noPhotoFor)
	first.mu.Lock()
	first.pictures["sip:c@x.test"] = jpeg
	first.mu.Unlock()
	if _, contentType, err := s.Photo(t.Context(), "sip:c@x.test"); err != nil || contentType != "image/jpeg" {
		t.Errorf("a new picture is not seen: %q, %v", contentType, err)
	}
}

// TestPhotosBesideTheSources are asked for what these do not have; a source that is away is no answer, and asked again soon.
func TestPhotosBesideTheSources(t *testing.T) {
	now := time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)
	rest := &album{pictures: map[portal.Address][]byte{"sip:a@x.test": []byte("GIF89a…")}}
	first := &album{shelf: shelf{name: "ldap", people: []portal.Person{person("a@x.test", "A"), person("b@x.test", "B")}}, fails: errors.New("server away")}
	s := pictured(t, first, Options{Photos: rest, Now: func() time.Time { return now }}, Static("plain", []portal.Person{person("e@x.test", "E")}))
	if p := s.Lookup(t.Context(), "sip:e@x.test"); p.Photo != "/photos/sip:e@x.test" {
		t.Errorf("picture %q", p.Photo)
	}
	if _, contentType, err := s.Photo(t.Context(), "sip:a@x.test"); err != nil || contentType != "image/gif" {
		t.Errorf("%q, %v", contentType, err)
	}
	for range 2 {
		if _, _, err := s.Photo(t.Context(), "sip:b@x.test"); portal.Meaning(err) != portal.ErrUnavailable {
			t.Errorf("while the source is away: %v", err)
		}
	}
	if n := first.times(); n != 2 {
		t.Errorf("asked %d times", n)
	}
	first.fails, now = nil, now.Add(awayFor)
	if _, _, err := s.Photo(t.Context(), "sip:b@x.test"); portal.Meaning(err) != portal.ErrNotFound {
		t.Errorf("when it is back: %v", err)
	}
}

// TestOnePictureIsFetchedOnce however many ask; who leaves takes nobody along.
func TestOnePictureIsFetchedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &album{shelf: shelf{name: "ldap", people: []portal.Person{person("a@x.test", "A")}}, pictures: map[portal.Address][]byte{"sip:a@x.test": png},
			hold: make(chan struct{})}
		s := pictured(t, a, Options{})
		leaving, leave := context.WithCancel(t.Context())
		var first, all sync.WaitGroup
		first.Go(func() {
			if _, _, err := s.Photo(leaving, "sip:a@x.test"); portal.Meaning(err) != portal.ErrUnavailable {
				t.Errorf("who left got %v", err)
			}
		})
		synctest.Wait()
		for range 50 {
			all.Go(func() {
				if _, _, err := s.Photo(t.Context(), "sip:a@x.test"); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		leave()
		first.Wait()
		synctest.Wait()
		close(a.hold)
		all.Wait()
		if n := a.times(); n != 2 {
			t.Errorf("fetched %d times", n)
		}
	})
}

// TestPicturesInMemoryAreBounded by their number and by their size.
func TestPicturesInMemoryAreBounded(t *testing.T) {
	c, until := newPhotos(), time.Now().Add(time.Hour)
	keep := func(of portal.Address, size int) {
		c.claim(of)
		c.done(of, &photo{of: of, data: make([]byte, size), until: until}, true)
	}
	for i := range 100 {
		keep(portal.Address(fmt.Sprintf("sip:big%d@x.test", i)), MaxPhoto)
	}
	if n := c.order.Len(); n != maxPhotoBytes/MaxPhoto || *c.bytes != maxPhotoBytes || len(c.kept) != n {
		t.Errorf("%d pictures of %d bytes", n, *c.bytes)
	}
	for i := range maxPhotos + 10 {
		keep(portal.Address(fmt.Sprintf("sip:none%d@x.test", i)), 0)
	}
	if n := c.order.Len(); n != maxPhotos || *c.bytes != 0 || len(c.kept) != n || len(c.underway) != 0 {
		t.Errorf("%d answers of %d bytes", n, *c.bytes)
	}
	if _, ok := c.get("sip:none0@x.test", time.Now()); ok {
		t.Error("what was not asked for longest is still there")
	}
	if _, ok := c.get(portal.Address(fmt.Sprintf("sip:none%d@x.test", maxPhotos)), until); ok || c.order.Len() != maxPhotos-1 {
		t.Error("what is too old is given")
	}
}

func TestSniff(t *testing.T) {
	for data, want := range map[string]string{string(png): "image/png", string(jpeg): "image/jpeg", "GIF87a": "image/gif", "RIFF\x01\x02\x03\x04WEBPVP8": "image/webp",
		"RIFF\x01\x02\x03\x04WAVE": "", "<svg xmlns=": "", "": "", "\x89PNG": "", "BM": ""} {
		if got := sniff([]byte(data)); got != want {
			t.Errorf("%q is %q, want %q", data, got, want)
		}
	}
}
