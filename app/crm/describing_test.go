package crm

import (
	"strings"
	"testing"

	"portico/app/portal"
)

func TestTheFirstLineOfADescriptionIsTheSubject(t *testing.T) {
	for text, want := range map[string][2]string{
		"Budget":                  {"Budget", ""},
		"Budget\nBring numbers":   {"Budget", "Bring numbers"},
		" Budget \r\n\r\nNumbers": {"Budget", "\nNumbers"},
		"":                        {"", ""},
		"\nBody of something":     {"", "Body of something"},
	} {
		subject, body := Undescribe(text)
		if subject != want[0] || body != want[1] {
			t.Errorf("%q: %q, %q", text, subject, body)
		}
	}
	if got := Describe(&portal.Appointment{Subject: "Budget", Body: "Numbers\nMore"}); got != "Budget\nNumbers\nMore" {
		t.Errorf("described as %q", got)
	}
	if got := Describe(&portal.Appointment{Subject: "Budget"}); got != "Budget" {
		t.Errorf("described as %q", got)
	}
}

func FuzzUndescribe(f *testing.F) {
	f.Add("Budget\r\nNumbers\n\nMore")
	f.Add("\n\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		subject, body := Undescribe(text)
		if strings.ContainsAny(subject, "\n") || strings.Contains(body, "\r\n") {
			t.Fatalf("%q: %q, %q", text, subject, body)
		}
		s, b := Undescribe(Describe(&portal.Appointment{Subject: subject, Body: body}))
		if s != subject || b != body {
			t.Fatalf("%q, %q comes back as %q, %q", subject, body, s, b)
		}
	})
}
