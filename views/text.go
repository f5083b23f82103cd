package views

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// piece is a stretch of a message: plain text, or a link where href is set.
type piece struct{ text, href string }

// candidate finds what may be a link; what it is, link decides.
var candidate = regexp.MustCompile(`(?i)\b(?:https?://|www\.)[^\s<>"]+`)

// pieces splits a message's text into plain text, with emoticons as emoji, and links. Only http and https
// become links, so that no text can make a browser run something.
func pieces(text string) []piece {
	var out []piece
	plain := func(s string) {
		if s != "" {
			out = append(out, piece{text: emoticons(s)})
		}
	}
	rest := text
	for rest != "" {
		at := candidate.FindStringIndex(rest)
		if at == nil {
			break
		}
		shown := trimLink(rest[at[0]:at[1]])
		href, ok := link(shown)
		if !ok {
			plain(rest[:at[1]])
			rest = rest[at[1]:]
			continue
		}
		plain(rest[:at[0]])
		out = append(out, piece{text: shown, href: href})
		rest = rest[at[0]+len(shown):]
	}
	plain(rest)
	return out
}

// trimLink leaves to the sentence the punctuation that ends it, and a bracket that was opened before the link.
func trimLink(s string) string {
	for {
		last, size := utf8.DecodeLastRuneInString(s)
		switch {
		case strings.ContainsRune(".,;:!?'*_~”“»", last):
		case last == ')' && strings.Count(s, ")") > strings.Count(s, "("):
		case last == ']' && strings.Count(s, "]") > strings.Count(s, "["):
		default:
			return s
		}
		s = s[:len(s)-size]
	}
}

func link(shown string) (string, bool) {
	target := shown
	if len(target) > 3 && strings.EqualFold(target[:4], "www.") {
		target = "https://" + target
	}
	u, err := url.Parse(target)
	if err != nil || u.User != nil || !strings.Contains(strings.Trim(u.Host, "."), ".") && u.Hostname() != "localhost" && u.Port() == "" {
		return "", false
	}
	scheme := strings.ToLower(u.Scheme)
	return u.String(), scheme == "http" || scheme == "https"
}

// emoticon maps the forms that people type to the sign that is shown.
var emoticon = map[string]string{
	":)": "🙂", ":-)": "🙂", ":D": "😀", ":-D": "😀", ";)": "😉", ";-)": "😉", ":(": "🙁", ":-(": "🙁", ":P": "😛", ":-P": "😛",
	":O": "😮", ":-O": "😮", ":'(": "😢", "<3": "❤️", "(y)": "👍", "(n)": "👎", "(Y)": "👍", "(N)": "👎",
	":smile:": "🙂", ":joy:": "😂", ":wink:": "😉", ":thumbsup:": "👍", ":+1:": "👍", ":thumbsdown:": "👎", ":-1:": "👎",
	":heart:": "❤️", ":tada:": "🎉", ":coffee:": "☕", ":eyes:": "👀", ":fire:": "🔥", ":ok:": "👌", ":pray:": "🙏",
	":wave:": "👋", ":thinking:": "🤔", ":check:": "✅", ":x:": "❌", ":warning:": "⚠️", ":calendar:": "📅", ":phone:": "📞",
}

// Emoji are those that the picker offers, in its order.
func Emoji() []string {
	return strings.Fields("🙂 😀 😂 😉 😊 😍 😛 😮 😢 😡 🤔 😴 👍 👎 👌 👏 🙏 👋 💪 🤝 ❤️ 🎉 🔥 ✨ ✅ ❌ ⚠️ ❓ ☕ 🍰 📅 📞 📎 💡 👀 🚀")
}

// emoticons replaces emoticons that stand alone between spaces; one inside a word or a path is left as it is.
func emoticons(s string) string {
	if !strings.ContainsAny(s, ":;<(") {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		end := strings.IndexAny(s, " \n\t")
		word, space := s, ""
		if end >= 0 {
			word, space = s[:end], s[end:end+1]
		}
		if sign, ok := emoticon[word]; ok {
			b.WriteString(sign)
		} else {
			b.WriteString(word)
		}
		b.WriteString(space)
		s = s[len(word)+len(space):]
	}
	return b.String()
}

// jumbo reports whether a message is nothing but up to three emoji, which are then shown large.
func jumbo(text string) bool {
	text = strings.TrimSpace(emoticons(text))
	signs := 0
	for _, c := range text {
		switch {
		case c == ' ' || c == '\u200d' || c == '\ufe0f' || c >= 0x1f3fb && c <= 0x1f3ff:
		case c >= 0x1f300 && c <= 0x1faff, c >= 0x2600 && c <= 0x27bf:
			signs++
		default:
			return false
		}
	}
	return signs > 0 && signs <= 3
}
