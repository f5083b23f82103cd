package policy

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"portico/app/portal"
)

func TestText(t *testing.T) {
	cases := []struct{ name, in, want, key string }{
		{"plain", "Grüße 👋", "Grüße 👋", ""},
		{"line ends", "a\r\nb\rc\nd", "a\nb\nc\nd", ""},
		{"leading space stays, trailing goes", "  code\n\tmore \r\n \n", "  code\n\tmore", ""},
		{"control characters go", "a\x00b\x1b[31mc\u0085\u009b", "ab[31mc", ""},
		{"overrides of direction go", "a\u202egpj.exe\ufeff", "agpj.exe", ""},
		{"joined emoji stay", "👩\u200d💻", "👩\u200d💻", ""},
		{"empty", "", "", "message.empty"},
		{"white space", " \t\r\n\u00a0\u3000", "", "message.empty"},
		{"nothing but control", "\x00\x07", "", "message.empty"},
		{"not UTF-8", "a\xff", "", "message.encoding"},
		{"longest", strings.Repeat("x", portal.MaxTextLen), strings.Repeat("x", portal.MaxTextLen), ""},
		{"too long", strings.Repeat("x", portal.MaxTextLen+1), "", "message.too-long"},
		{"too long in bytes", strings.Repeat("ü", portal.MaxTextLen/2+1), "", "message.too-long"},
		{"far too long", strings.Repeat("\x00", 1<<20), "", "message.too-long"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := Text(c.in)
			if c.key != "" {
				if !errors.Is(err, portal.ErrInvalid) || portal.Reason(err) != c.key {
					t.Fatalf("got %q, %v, want %s", got, err, c.key)
				}
				return
			}
			if err != nil || got != c.want {
				t.Fatalf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestNote(t *testing.T) {
	if got, err := Note("  in\r\nthe \x00office "); err != nil || got != "in the office" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := Note("\t"); err != nil || got != "" {
		t.Errorf("an empty note: %q, %v", got, err)
	}
	if got, err := Note(strings.Repeat("ü", portal.MaxNoteLen)); err != nil || utf8.RuneCountInString(got) != portal.MaxNoteLen {
		t.Errorf("the longest note: %v", err)
	}
	for _, bad := range []string{strings.Repeat("ü", portal.MaxNoteLen+1), "\xff", strings.Repeat(" ", 1<<20)} {
		if _, err := Note(bad); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("a note of %d bytes: %v", len(bad), err)
		}
	}
}

func TestMessageID(t *testing.T) {
	for _, id := range []string{"1", "3f2b-aa_.~:+=@", strings.Repeat("i", portal.MaxIDLen), "a/b?c#d"} {
		if err := MessageID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", "a b", "a\n", "ü", `"`, "<x>", `\`, "\x7f", strings.Repeat("i", portal.MaxIDLen+1)} {
		if err := MessageID(id); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%q was taken: %v", id, err)
		}
	}
}

func TestMayReach(t *testing.T) {
	for _, r := range []portal.Relationship{portal.Personal, portal.Team, portal.Company, portal.Public, ""} {
		if err := MayReach(r); err != nil {
			t.Errorf("%q: %v", r, err)
		}
	}
	if err := MayReach(portal.Blocked); !errors.Is(err, portal.ErrNotFound) || portal.Reason(err) != "message.unreachable" {
		t.Errorf("blocked: %v", err)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"hello", "a\r\nb", "\x00", "\xff\xfe", "\u202e", strings.Repeat("é", 5000), " \n\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Text(s)
		if err != nil {
			if !errors.Is(err, portal.ErrInvalid) || got != "" {
				t.Fatalf("got %q, %v", got, err)
			}
			return
		}
		if !utf8.ValidString(got) || len(got) > portal.MaxTextLen || strings.TrimSpace(got) == "" || strings.ContainsAny(got, "\r\x00\x1b") {
			t.Fatalf("%q became %q", s, got)
		}
		if again, err := Text(got); err != nil || again != got {
			t.Fatalf("%q is not stable: %q, %v", got, again, err)
		}
	})
}

func FuzzNote(f *testing.F) {
	f.Add("in the office")
	f.Add("a\r\nb\x00")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Note(s)
		if err == nil && (strings.ContainsAny(got, "\r\n\t\x00") || utf8.RuneCountInString(got) > portal.MaxNoteLen || !utf8.ValidString(got)) {
			t.Fatalf("%q became %q", s, got)
		}
		if err == nil {
			if again, err := Note(got); err != nil || again != got {
				t.Fatalf("%q is not stable: %q, %v", got, again, err)
			}
		}
	})
}
