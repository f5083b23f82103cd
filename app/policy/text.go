package policy

// What a person may say: texts, notes and the names of messages.

import (
	"strings"
	"unicode/utf8"

	"portico/app/portal"
)

// Text gives what is kept of a message's text: line ends become "\n", control characters (other than
// line ends and tabs) go, trailing white space goes. Errors mean ErrInvalid: not UTF-8
// ("message.encoding"), nothing left to say ("message.empty"), longer than portal.MaxTextLen bytes
// ("message.too-long", with the limit as argument "max").
func Text(s string) (string, error) {
	// A text of nothing but what will be removed need not be looked through to the end of the world.
	if len(s) > 4*portal.MaxTextLen {
		return "", tooLong()
	}
	if !utf8.ValidString(s) {
		return "", portal.Fail(portal.ErrInvalid, "message.encoding")
	}
	s = strings.TrimRight(clean(s), " \t\n")
	if strings.TrimSpace(s) == "" {
		return "", portal.Fail(portal.ErrInvalid, "message.empty")
	}
	if len(s) > portal.MaxTextLen {
		return "", tooLong()
	}
	return s, nil
}

func tooLong() error {
	return portal.Fail(portal.ErrInvalid, "message.too-long").With("max", itoa(portal.MaxTextLen))
}

// Note gives what is kept of a presence note: one line without control characters, at most
// portal.MaxNoteLen characters; empty removes the note. Errors mean ErrInvalid.
func Note(s string) (string, error) {
	if len(s) > 8*portal.MaxNoteLen || !utf8.ValidString(s) {
		return "", noteError()
	}
	s = strings.Join(strings.Fields(clean(s)), " ")
	if utf8.RuneCountInString(s) > portal.MaxNoteLen {
		return "", noteError()
	}
	return s, nil
}

func noteError() error {
	return portal.Fail(portal.ErrInvalid, "presence.note-too-long").With("max", itoa(portal.MaxNoteLen))
}

// Whereabouts gives what is kept of where a person says they are: one line of at most portal.MaxLocationLen characters
// ("presence.location", with the limit as argument "max"). Errors mean ErrInvalid. Whether there is such a time zone the
// caller finds out, who has the table of zones.
func Whereabouts(w portal.Whereabouts) (portal.Whereabouts, error) {
	tooLong := portal.Fail(portal.ErrInvalid, "presence.location").With("max", itoa(portal.MaxLocationLen))
	if len(w.Location) > 8*portal.MaxLocationLen || !utf8.ValidString(w.Location) {
		return portal.Whereabouts{}, tooLong
	}
	w.Location = strings.Join(strings.Fields(clean(w.Location)), " ")
	if utf8.RuneCountInString(w.Location) > portal.MaxLocationLen {
		return portal.Whereabouts{}, tooLong
	}
	w.TimeZone = strings.TrimSpace(w.TimeZone)
	return w, nil
}

// MessageID checks the name that a sender gives a message: 1 to portal.MaxIDLen visible ASCII
// characters without quotes, angle brackets and backslash, so that it stands unescaped in headers and
// attributes. An error means ErrInvalid.
func MessageID(id string) error {
	if id == "" || len(id) > portal.MaxIDLen {
		return portal.Fail(portal.ErrInvalid, "message.id")
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' || strings.IndexByte(`"'<>\`, id[i]) >= 0 {
			return portal.Fail(portal.ErrInvalid, "message.id")
		}
	}
	return nil
}

// clean turns every kind of line end into "\n" and removes control characters: the C0 and C1 sets,
// and the bidirectional overrides that make a text read otherwise than it is.
func clean(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(s)
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < 0x20 || r >= 0x7f && r < 0xa0:
			return -1
		case r >= 0x202a && r <= 0x202e || r == 0xfeff:
			return -1
		}
		return r
	}, s)
}
