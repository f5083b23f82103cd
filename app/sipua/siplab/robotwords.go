package siplab

// What robots say, in English and German, and how they feel.

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// mood is a state of presence (RFC 3863 with RFC 4480).
type mood struct {
	word     string // what a person writes to ask for it
	basic    string
	activity string // RPID element, empty for none
	note     string
}

// moods are read-only; the first is the one a robot starts with.
var moods = [...]mood{
	{"available", "open", "", "Write to me, I answer by myself"},
	{"busy", "open", "busy", "Counting packets"},
	{"meeting", "open", "meeting", "In a meeting with myself"},
	{"away", "open", "away", "Getting a fresh drop of oil"},
	{"phone", "open", "on-the-phone", "On the phone"},
}

func (m mood) document(entity, id string) []byte {
	activity := ""
	if m.activity != "" {
		activity = "<rpid:" + m.activity + "/>"
	}
	return []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="` +
		xmlText(entity) + `"><tuple id="robot-` + xmlText(id) + `"><status><basic>` + m.basic + `</basic></status><timestamp>` +
		time.Now().UTC().Format(time.RFC3339) + `</timestamp></tuple><dm:person id="p-` + xmlText(id) + `"><rpid:activities>` + activity +
		`</rpid:activities><dm:note>` + xmlText(m.note) + `</dm:note></dm:person></presence>`)
}

// phrases are one language's answers.
type phrases struct {
	hello, help, thanks, bye, clock, mood, moodList, question, shout, long, other string
}

var english = phrases{
	hello:    "Hello! I am %s, a robot of this lab. Ask me for help to see what I can do.",
	help:     "I can tell the time (“time”), change my status (“status busy”, “status available”, …), repeat after you (“echo …”), and count (“count one two three”). Anything else gets a polite answer.",
	thanks:   "You are welcome!",
	bye:      "Good-bye! I will be here.",
	clock:    "It is %s.",
	mood:     "Done: I am now “%s”, for five minutes.",
	moodList: "I can be: %s.",
	question: "Good question. I am only a robot, but I would try it and see what happens.",
	shout:    "No need to shout, I read every letter.",
	long:     "That was %d words. I have read them all.",
	other:    "I see. You wrote %d words; tell me more, or ask me for help.",
}

var german = phrases{
	hello:    "Hallo! Ich bin %s, ein Roboter dieses Labors. Schreib „Hilfe“, dann sage ich, was ich kann.",
	help:     "Ich kann die Uhrzeit sagen („Uhrzeit“), meinen Status ändern („Status busy“, „Status available“ …), dir nachsprechen („Echo …“) und zählen („zähle eins zwei drei“). Auf alles andere antworte ich höflich.",
	thanks:   "Gern geschehen!",
	bye:      "Auf Wiedersehen! Ich bleibe hier.",
	clock:    "Es ist %s.",
	mood:     "Erledigt: ich bin jetzt fünf Minuten lang „%s“.",
	moodList: "Das kann ich sein: %s.",
	question: "Gute Frage. Ich bin nur ein Roboter, aber ich würde es einfach ausprobieren.",
	shout:    "Du musst nicht schreien, ich lese jeden Buchstaben.",
	long:     "Das waren %d Wörter. Ich habe sie alle gelesen.",
	other:    "Verstehe. Das waren %d Wörter; erzähl mir mehr oder schreib „Hilfe“.",
}

// isGerman guesses the language of a text by its commonest words and letters.
func isGerman(text string) bool {
	if strings.ContainsAny(text, "äöüßÄÖÜ") {
		return true
	}
	score := 0
	for w := range strings.FieldsFuncSeq(strings.ToLower(text), notLetter) {
		switch w {
		case "ich", "du", "und", "der", "die", "das", "ist", "nicht", "ein", "eine", "wie", "wer", "wo", "bist", "hallo", "danke", "bitte",
			"guten", "morgen", "tag", "abend", "hilfe", "uhrzeit", "zeit", "spät", "mir", "dir", "mit", "auf", "für", "geht", "heute", "tschüs", "servus", "moin":
			score++
		case "the", "you", "and", "is", "not", "are", "what", "how", "who", "please", "thanks", "hello", "time", "of", "to", "it":
			score--
		}
	}
	return score > 0
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

// think finds an answer; some questions make the robot do something.
func (r *Robot) think(ctx context.Context, text string) string {
	p := english
	if isGerman(text) {
		p = german
	}
	text = strings.TrimSpace(text)
	words := strings.Fields(text)
	first := ""
	if len(words) > 0 {
		first = strings.ToLower(strings.TrimFunc(words[0], notLetter))
	}
	switch first {
	case "echo":
		return strings.TrimSpace(text[len(words[0]):])
	case "status":
		return r.feel(ctx, p, words[1:])
	case "count", "zähle", "zaehle":
		return fmt.Sprint(len(words) - 1)
	case "help", "hilfe":
		return p.help
	case "hello", "hi", "hey", "hallo", "moin", "servus", "guten", "good":
		return fmt.Sprintf(p.hello, r.displayName())
	case "thanks", "thank", "danke":
		return p.thanks
	case "bye", "goodbye", "tschüs", "tschüss", "ciao":
		return p.bye
	case "time", "uhrzeit":
		return fmt.Sprintf(p.clock, time.Now().Format("15:04"))
	}
	return p.smallTalk(text, len(words))
}

func (p phrases) smallTalk(text string, words int) string {
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, "time") || strings.Contains(lower, "spät") || strings.Contains(lower, "uhr"):
		return fmt.Sprintf(p.clock, time.Now().Format("15:04"))
	case strings.HasSuffix(text, "?"):
		return p.question
	case len(text) > 3 && strings.ToUpper(text) == text && strings.ToLower(text) != text:
		return p.shout
	case words > 40:
		return fmt.Sprintf(p.long, words)
	}
	return fmt.Sprintf(p.other, words)
}

func (r *Robot) displayName() string { return orString(r.cfg.User.DisplayName, r.cfg.User.Name) }

// feel takes on the mood that was asked for and tells everyone.
func (r *Robot) feel(ctx context.Context, p phrases, words []string) string {
	names := make([]string, len(moods))
	for i, m := range moods {
		names[i] = m.word
		if len(words) == 0 || !strings.EqualFold(words[0], m.word) {
			continue
		}
		r.mu.Lock()
		r.mood, r.until = i, time.Now().Add(5*time.Minute)
		r.mu.Unlock()
		if err := r.publish(ctx); err != nil {
			r.log.Debug("publish", "error", err)
		}
		return fmt.Sprintf(p.mood, m.word)
	}
	return fmt.Sprintf(p.moodList, strings.Join(names, ", "))
}
