package rooms

// What comes from outside never breaks anything.

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"portico/app/policy"
	"portico/app/portal"
)

func FuzzCommand(f *testing.F) {
	for _, s := range []string{"/join", " /TOPIC a b\r\nc", "//join", "/", "/ x", "/usr/bin", "hello", "/ＪＯＩＮ", "/topic\x00", "//", "\t/who\u00a0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, rest, plain, is := command(s)
		if is && (name == "" || len(name) > maxCommand || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != "" || plain != "" || rest != strings.TrimSpace(rest)) {
			t.Errorf("%q is the command %q with %q (%q)", s, name, rest, plain)
		}
		if !is && (name != "" || rest != "" || !strings.Contains(s, plain)) {
			t.Errorf("%q is said as %q, %q %q", s, plain, name, rest)
		}
	})
}

func FuzzIMC(f *testing.F) {
	for _, s := range []string{"[bob]: hello", "[bob]:", "*** [bob] has joined the room", "*** Room was created", "Rooms:\n[a]\n[b]", "Members:\n*[a]\n~[b]\n[c",
		"[Offline message - now] [bob]: x", "[Offline message", "[]: x", "[a b]: x", "Rooms:", "*** ", "[[x]]: y", "\x00[\xff]: z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line := parseIMC(s)
		switch line.kind {
		case imcSaid:
			if line.who == "" || !strings.Contains(s, "["+line.who+"]: "+line.text) {
				t.Errorf("%q: %q said %q", s, line.who, line.text)
			}
		case imcCame, imcWent:
			if line.who == "" || line.text != "" {
				t.Errorf("%q: %+v", s, line)
			}
		case imcOther:
			if !strings.HasSuffix(s, line.text) {
				t.Errorf("%q became %q", s, line.text)
			}
		}
		if len(line.names) > maxNames || slices.ContainsFunc(line.names, func(n string) bool { return n == "" || len(n) > 128 || strings.ContainsAny(n, "[]\n ") }) {
			t.Errorf("%q has the names %q", s, line.names)
		}
	})
}

// FuzzMentions holds the index to a plain loop over everybody.
func FuzzMentions(f *testing.F) {
	for _, s := range []string{"hello @alice", "@Alice.Adams, @all", "ALICE adams", "straße", "alice@@alice @", "日本 in 日本語", "@alice-@alice.", "e\u0301té été", "@\xff"} {
		f.Add(s, "straße")
	}
	f.Fuzz(func(t *testing.T, text, word string) {
		words, err := policy.Words([]string{word})
		if err != nil {
			words = nil
		}
		const alice, bob, carol = portal.Address("sip:alice@x.test"), portal.Address("sip:bob@x.test"), portal.Address("sip:carol@x.test")
		names := map[portal.Address]string{alice: "Alice Adams", bob: "Été Noël", carol: ""}
		s := New(nil, nil, nil, Options{NameOf: func(who portal.Address) string { return names[who] }})
		r := newRoom(portal.Room{URI: "sip:r@rooms.test"})
		for _, who := range []portal.Address{alice, bob, carol} {
			s.enter(r, portal.Membership{Who: who, Role: portal.RoleMember})
		}
		s.watch(carol, words)
		meant := s.means(r, "sip:nobody@x.test", policy.Tokens(text), policy.Handles(text))
		said := " " + strings.Join(policy.Tokens(text), " ") + " "
		for who, name := range names {
			want := slices.Contains(meant.mentions, who)
			for _, key := range phrases(who, name, map[portal.Address][]string{carol: words}[who]) {
				want = want || strings.Contains(said, " "+key+" ")
			}
			if got := slices.Contains(meant.named, who); got != want {
				t.Errorf("%q (watching %q) tells %s: %t, want %t", text, words, who, got, want)
			}
		}
		if meant.all || len(meant.mentions) > 0 && !strings.Contains(text, "@") {
			t.Errorf("%q: %+v", text, meant)
		}
	})
}

func FuzzContent(f *testing.F) {
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x02\x00\x00\x00"))
	f.Add([]byte("GIF89a\x10\x00\x10\x00\x80\x00\x00"))
	f.Add([]byte("RIFF\x40\x00\x00\x00WEBPVP8L\x0a\x00\x00\x00\x2f\xff\xff\xff\xff" + strings.Repeat("x", 20)))
	f.Add([]byte("\xff\xd8\xff\xe0\x00\x10JFIF"))
	f.Add([]byte("<html>"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, w, h, err := recognise(bytes.NewReader(b), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if picture := strings.HasPrefix(kind, "image/"); picture != (w > 0 && h > 0) || w*h > 1000 || w < 0 || h < 0 {
			t.Errorf("%q of %d × %d", kind, w, h)
		}
		if strings.Contains(kind, "html") || strings.Contains(kind, "xml") || strings.Contains(kind, "javascript") || kind == "" {
			t.Errorf("%q is served as %q", b, kind)
		}
	})
}

func FuzzFileName(f *testing.F) {
	for _, s := range []string{"../../x", `C:\x\y.txt`, "a\u202egnp.exe", "CON.txt", "com1", ".", "..", "", strings.Repeat("ä", 300) + ".pdf", "x." + strings.Repeat("y", 300),
		"a\x00b", "\xff\xfe", " . x . ", "nul .tar.gz", "a/\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name := policy.FileName(s)
		if name == "" || utf8.RuneCountInString(name) > 200 || !utf8.ValidString(name) || strings.ContainsAny(name, "/\\:*?\"<>|\x00\r\n\t") ||
			strings.ContainsFunc(name, func(r rune) bool {
				return r < 0x20 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
			}) || strings.HasPrefix(name, ".") || strings.HasPrefix(name, " ") || strings.HasSuffix(name, " ") || strings.HasSuffix(name, ".") {
			t.Errorf("%q became %q", s, name)
		}
		if again := policy.FileName(name); again != name {
			t.Errorf("%q became %q, and that %q", s, name, again)
		}
	})
}
