package policy

// The names of rooms, files and reactions, as people and programs give them.

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"portico/app/portal"
)

const (
	// maxFileName is the longest name of a file in characters, maxExtension the longest part of it behind the last
	// point that stays when the rest is cut.
	maxFileName, maxExtension = 200, 20
	// maxHistoryDays bounds how far back newcomers may read where it is not everything.
	maxHistoryDays = 36_500
)

// RoomName checks the name of a room: 1 to portal.MaxRoomName lower-case ASCII letters, digits, "-", "_" and ".", of
// which the first and last are letters or digits. An error means ErrInvalid ("room.name").
func RoomName(name string) error {
	ok := name != "" && len(name) <= portal.MaxRoomName
	for i := range len(name) {
		c := name[i]
		plain := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		edge := i == 0 || i == len(name)-1
		ok = ok && (plain || !edge && (c == '-' || c == '_' || c == '.'))
	}
	if !ok {
		return portal.Fail(portal.ErrInvalid, "room.name").With("Max", itoa(portal.MaxRoomName))
	}
	return nil
}

// NameFromTitle makes a room's name of its title: "Café & Küche" becomes "cafe-kuche". Empty where nothing of the
// title can stand in a name.
func NameFromTitle(title string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(Fold(title)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.Is(unicode.M, r):
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= portal.MaxRoomName-8 { // leaves space for a number behind it
			break
		}
	}
	return strings.Trim(b.String(), "-")
}

// RoomTitle and RoomTopic give what is kept of a title and a topic: one line without control characters. Errors mean
// ErrInvalid: "room.title", "room.topic" (too long, not UTF-8).
func RoomTitle(s string) (string, error) { return line(s, portal.MaxRoomTitle, "room.title") }

// RoomTopic: see RoomTitle.
func RoomTopic(s string) (string, error) { return line(s, portal.MaxRoomTopic, "room.topic") }

func line(s string, limit int, key string) (string, error) {
	fault := portal.Fail(portal.ErrInvalid, key).With("Max", itoa(limit))
	if len(s) > 8*limit || !utf8.ValidString(s) {
		return "", fault
	}
	s = strings.Map(func(r rune) rune {
		if r == joiner || r == nonJoiner { // emoji and some scripts are written with them
			return r
		}
		return visible(r)
	}, clean(s))
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > limit {
		return "", fault
	}
	return s, nil
}

// HistoryDays checks how much newcomers may read; an error means ErrInvalid ("room.history").
func HistoryDays(days int) error {
	if days < portal.WholeHistory || days > maxHistoryDays {
		return portal.Fail(portal.ErrInvalid, "room.history")
	}
	return nil
}

// FileName gives what is kept of a file's name: its last part, without anything that hides, overwrites or means
// something to a file system, at most 200 characters with its extension; "file" where nothing is left.
func FileName(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*`, r) {
			return '_'
		}
		return visible(r)
	}, norm.NFC.String(s))
	s = strings.Trim(strings.Join(strings.Fields(s), " "), ". ")
	if s == "" {
		return "file"
	}
	base, ext := s, ""
	if i := strings.LastIndexByte(s, '.'); i > 0 && utf8.RuneCountInString(s[i:]) <= maxExtension {
		base, ext = s[:i], s[i:]
	}
	if stem, _, _ := strings.Cut(base, "."); device(stem) {
		base = "_" + base
	}
	keep := maxFileName - utf8.RuneCountInString(ext)
	if runes := []rune(base); len(runes) > keep {
		base = strings.TrimRight(string(runes[:keep]), ". ")
	}
	return base + ext
}

// device reports whether Windows takes a file of this name for a device.
func device(stem string) bool {
	switch s := strings.ToUpper(strings.TrimSpace(stem)); {
	case s == "CON" || s == "PRN" || s == "AUX" || s == "NUL":
		return true
	case len(s) == 4 && (strings.HasPrefix(s, "COM") || strings.HasPrefix(s, "LPT")):
		return s[3] >= '0' && s[3] <= '9'
	}
	return false
}

// visible drops what has no look of its own and changes that of others: controls, the marks and overrides of
// writing direction, invisible joiners and spaces of no width. Kinds of spaces become a space.
func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp), r == utf8.RuneError:
		return -1
	}
	return r
}

// Sign checks what is put under a message: one emoji of at most 32 bytes, with what belongs to it (skin tone, joined
// parts, the two letters of a flag, the cap of a key). An error means ErrInvalid ("room.sign").
func Sign(s string) error {
	rest := []rune(s)
	ok := len(s) > 0 && len(s) <= 32 && utf8.ValidString(s)
	if ok {
		rest, ok = emoji(rest)
	}
	if !ok || len(rest) > 0 {
		return portal.Fail(portal.ErrInvalid, "room.sign")
	}
	return nil
}

// The characters of which emoji are put together.
const (
	joiner      = 0x200d
	nonJoiner   = 0x200c
	emojiLook   = 0xfe0f
	keycap      = 0x20e3
	endOfTags   = 0xe007f
	firstLetter = 0x1f1e6
	lastLetter  = 0x1f1ff
)

// emoji takes one emoji from the beginning of s (Unicode Technical Standard 51, section 1.4.9).
func emoji(s []rune) (rest []rune, ok bool) {
	at := func(i int) rune {
		if i < len(s) {
			return s[i]
		}
		return 0
	}
	letter := func(r rune) bool { return r >= firstLetter && r <= lastLetter }
	switch {
	case letter(at(0)):
		return s[min(2, len(s)):], letter(at(1))
	case strings.ContainsRune("0123456789#*", at(0)):
		n := 1
		if at(n) == emojiLook {
			n++
		}
		return s[min(n+1, len(s)):], at(n) == keycap
	}
	for {
		if !pictograph(at(0)) {
			return s, false
		}
		n := 1
		if at(n) >= 0x1f3fb && at(n) <= 0x1f3ff {
			n++
		}
		if at(n) == emojiLook {
			n++
		}
		if tags := n; at(tags) >= 0xe0020 && at(tags) < endOfTags {
			for at(tags) >= 0xe0020 && at(tags) < endOfTags {
				tags++
			}
			return s[min(tags+1, len(s)):], at(tags) == endOfTags
		}
		if at(n) != joiner {
			return s[n:], true
		}
		s = s[n+1:]
	}
}

// pictograph reports whether an emoji can begin with r: the symbols of the planes and blocks that have emoji.
func pictograph(r rune) bool {
	switch {
	case r >= 0x1f000 && r <= 0x1faff:
		return !(r >= firstLetter && r <= lastLetter) && !(r >= 0x1f3fb && r <= 0x1f3ff)
	case r >= 0x2100 && r <= 0x2bff, r >= 0x3030 && r <= 0x303d, r == 0x3297, r == 0x3299:
		return unicode.In(r, unicode.So, unicode.Sm, unicode.Pd) || r == 0x2139
	}
	return r == 0xa9 || r == 0xae || r == 0x203c || r == 0x2049
}
