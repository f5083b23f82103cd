// Package mwi reads message summaries (RFC 3842): what a voice mail system says waits.
package mwi

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"portico/app/portal"
)

// MediaType is the content type of a message summary.
const MediaType = "application/simple-message-summary"

const (
	// maxBytes is the largest summary, maxLines the most lines that are looked at; the messages' own headers, which
	// may follow the summary, are not.
	maxBytes, maxLines = 64 << 10, 100
	// maxAccount is the longest account, in bytes.
	maxAccount = 255
	// maxCount is where counts end, whatever a server says.
	maxCount = 999_999_999
)

// Parse reads a summary: its first block of lines, of which only those about waiting at all, the account and
// voice messages matter. Known is always set. Errors mean portal.ErrInvalid.
func Parse(b []byte) (portal.Waiting, error) {
	if len(b) > maxBytes {
		return portal.Waiting{}, invalid("%d bytes, limit %d", len(b), maxBytes)
	}
	if !utf8.Valid(b) {
		return portal.Waiting{}, invalid("not UTF-8")
	}
	w := portal.Waiting{Known: true}
	told, voice := false, false
	for n, line := range lines(string(b)) {
		if n == maxLines {
			return portal.Waiting{}, invalid("more than %d lines", maxLines)
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return portal.Waiting{}, invalid("line %.40q", line)
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "messages-waiting":
			if !strings.EqualFold(value, "yes") && !strings.EqualFold(value, "no") {
				return portal.Waiting{}, invalid("Messages-Waiting %.20q", value)
			}
			w.Any, told = strings.EqualFold(value, "yes"), true
		case "message-account":
			if len(value) <= maxAccount {
				w.Account = value
			}
		case "voice-message":
			if voice {
				return portal.Waiting{}, invalid("two counts of voice messages")
			}
			voice = true
			if err := count(value, &w); err != nil {
				return portal.Waiting{}, err
			}
		}
	}
	if !told {
		return portal.Waiting{}, invalid("no word on whether messages wait")
	}
	return w, nil
}

// lines gives the lines of the first block, folded ones put together.
func lines(s string) []string {
	var all []string
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\r\n")
		blank := strings.TrimSpace(line) == ""
		switch {
		case blank && len(all) > 0:
			return all
		case blank:
		case len(all) > 0 && (line[0] == ' ' || line[0] == '\t'):
			all[len(all)-1] += " " + strings.TrimSpace(line)
		default:
			all = append(all, line)
		}
		if len(all) > maxLines {
			break
		}
	}
	return all
}

// count reads "new/old" or "new/old (new urgent/old urgent)".
func count(value string, w *portal.Waiting) error {
	plain, urgent, hasUrgent := strings.Cut(value, "(")
	var err error
	if w.New, w.Old, err = pair(plain); err != nil {
		return err
	}
	if !hasUrgent {
		return nil
	}
	inner, rest, closed := strings.Cut(urgent, ")")
	if !closed || strings.TrimSpace(rest) != "" {
		return invalid("count %.40q", value)
	}
	if w.Urgent, _, err = pair(inner); err != nil {
		return err
	}
	w.Urgent = min(w.Urgent, w.New) // it counts some of those
	return nil
}

func pair(s string) (a, b int, err error) {
	first, second, ok := strings.Cut(s, "/")
	if ok {
		a, ok = number(first)
	}
	if ok {
		b, ok = number(second)
	}
	if !ok {
		return 0, 0, invalid("count %.40q", s)
	}
	return a, b, nil
}

func number(s string) (int, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return 0, false
	}
	return int(min(n, maxCount)), true
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("message summary: %w: %s", portal.ErrInvalid, fmt.Sprintf(format, args...))
}
