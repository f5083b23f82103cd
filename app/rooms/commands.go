package rooms

// Commands that SIP clients send as text.

import "strings"

// The commands, without their slash.
const (
	commandJoin  = "join"
	commandLeave = "leave"
	commandWho   = "who"
	commandTopic = "topic"
	commandHelp  = "help"
)

// maxCommand is the longest word that is taken for a command.
const maxCommand = 20

// command reads a text that begins with a slash and a word of letters: "/topic New topic". Any other text is no
// command; of one that begins with two slashes the first is dropped, so that everything can be said.
func command(text string) (name, rest, plain string, is bool) {
	trimmed := strings.TrimSpace(text)
	if strings.HasPrefix(trimmed, "//") {
		return "", "", trimmed[1:], false
	}
	if !strings.HasPrefix(trimmed, "/") {
		return "", "", text, false
	}
	word, rest := trimmed[1:], ""
	if i := strings.IndexAny(word, " \t\r\n"); i >= 0 {
		word, rest = word[:i], strings.TrimSpace(word[i:])
	}
	word = strings.ToLower(word)
	if word == "" || len(word) > maxCommand || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") != "" {
		return "", "", text, false
	}
	return word, rest, "", true
}
