package views

import (
	"strings"
	"testing"

	"portico/app/portal"
)

// Pictures of people are there in a full session, and in a thin one when they are asked for.
func TestThinReadersAskForPictures(t *testing.T) {
	full := NewReader("en", "UTC", en0)
	thin := full
	thin.Thin = true
	card := Card{}
	card.Person = portal.Person{URI: bob, DisplayName: "Bob Berger", Photo: "/p/bob"}
	if n := render(t, PersonCard(full, portal.Settings{}, card)).Find("img[src='/p/bob']").Length(); n != 1 {
		t.Fatalf("full: %d pictures", n)
	}
	doc := render(t, PersonCard(thin, portal.Settings{}, card))
	if doc.Find("img").Length() != 0 || doc.Find(".avatar").First().Text() != "BB" {
		t.Errorf("thin: a picture, or no initials: %q", doc.Find(".avatar").Text())
	}
	if link := doc.Find("a[data-picture='Bob Berger'][href='/p/bob']"); link.Length() != 1 || !strings.Contains(link.Text(), "Show picture") {
		t.Errorf("thin: nothing to ask for the picture with")
	}
	file := portal.File{ID: "f1", Name: "plan.png", Type: "image/png", Size: 2048, Width: 640, Height: 480}
	if n := render(t, roomFile(full, "sip:lobby@rooms.example.test", file)).Find("img").Length(); n != 1 {
		t.Fatalf("full: %d pictures in a message", n)
	}
	doc = render(t, roomFile(thin, "sip:lobby@rooms.example.test", file))
	if doc.Find("img").Length() != 0 || doc.Find("a[data-picture='plan.png'][data-size='360x270']").Length() != 1 {
		html, err := doc.Html()
		t.Errorf("thin: %s %v", html, err)
	}
}
