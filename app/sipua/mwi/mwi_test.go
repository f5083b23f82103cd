package mwi

import (
	"errors"
	"strings"
	"testing"

	"portico/app/portal"
)

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want portal.Waiting
	}{
		"the example of RFC 3842": {"Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\nVoice-Message: 2/8 (0/2)\r\n\r\nTo: <alice@example.com>\r\nSubject: carpool tomorrow?\r\nMessages-Waiting: no\r\n",
			portal.Waiting{Known: true, Any: true, New: 2, Old: 8, Account: "sip:alice@vmail.example.com"}},
		"Asterisk":             {"Messages-Waiting: yes\r\nMessage-Account: sip:asterisk@10.0.0.1\r\nVoice-Message: 1/0 (0/0)\r\n", portal.Waiting{Known: true, Any: true, New: 1, Account: "sip:asterisk@10.0.0.1"}},
		"nothing waits":        {"Messages-Waiting: no\r\n", portal.Waiting{Known: true}},
		"no counts":            {"Messages-Waiting: yes", portal.Waiting{Known: true, Any: true}},
		"no urgent":            {"Messages-Waiting: yes\nVoice-Message: 3/4\n", portal.Waiting{Known: true, Any: true, New: 3, Old: 4}},
		"urgent":               {"Messages-Waiting: yes\r\nVoice-Message: 3/4 (2/1)\r\n", portal.Waiting{Known: true, Any: true, New: 3, Old: 4, Urgent: 2}},
		"more urgent than new": {"Messages-Waiting: yes\r\nVoice-Message: 1/4 (2/1)\r\n", portal.Waiting{Known: true, Any: true, New: 1, Old: 4, Urgent: 1}},
		"blanks and case":      {"\r\nmessages-waiting :  YES\r\nvoice-message\t: 1 / 2 ( 1 / 0 )\r\n", portal.Waiting{Known: true, Any: true, New: 1, Old: 2, Urgent: 1}},
		"folded":               {"Messages-Waiting:\r\n yes\r\nVoice-Message: 1/2\r\n\t(1/0)\r\n", portal.Waiting{Known: true, Any: true, New: 1, Old: 2, Urgent: 1}},
		"other kinds":          {"Messages-Waiting: yes\r\nFax-Message: 5/5\r\nnone: 1/1\r\nVoice-Message: 0/1\r\n", portal.Waiting{Known: true, Any: true, Old: 1}},
		"beyond belief":        {"Messages-Waiting: yes\r\nVoice-Message: 4294967295/4294967295\r\n", portal.Waiting{Known: true, Any: true, New: maxCount, Old: maxCount}},
		"a long account":       {"Messages-Waiting: yes\r\nMessage-Account: sip:" + strings.Repeat("x", 300) + "\r\n", portal.Waiting{Known: true, Any: true}},
	} {
		got, err := Parse([]byte(c.in))
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, in := range map[string]string{
		"nothing": "", "no word on it": "Voice-Message: 1/2\r\n", "neither yes nor no": "Messages-Waiting: maybe\r\n", "no colon": "Messages-Waiting yes\r\n",
		"half a count": "Messages-Waiting: yes\r\nVoice-Message: 1\r\n", "negative": "Messages-Waiting: yes\r\nVoice-Message: -1/2\r\n",
		"too large a count": "Messages-Waiting: yes\r\nVoice-Message: 4294967296/0\r\n", "open": "Messages-Waiting: yes\r\nVoice-Message: 1/2 (1/0\r\n",
		"behind the count": "Messages-Waiting: yes\r\nVoice-Message: 1/2 (1/0) x\r\n", "half an urgent one": "Messages-Waiting: yes\r\nVoice-Message: 1/2 (1)\r\n",
		"twice": "Messages-Waiting: yes\r\nVoice-Message: 1/2\r\nVoice-Message: 1/2\r\n", "not UTF-8": "Messages-Waiting: yes\r\nMessage-Account: \xff\r\n",
		"too many lines": strings.Repeat("Messages-Waiting: yes\r\n", maxLines+1), "too large": "Messages-Waiting: yes\r\nX: " + strings.Repeat("x", maxBytes),
	} {
		if got, err := Parse([]byte(in)); !errors.Is(err, portal.ErrInvalid) || got != (portal.Waiting{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestAsManyLinesAsMayBe(t *testing.T) {
	if _, err := Parse([]byte(strings.Repeat("Messages-Waiting: yes\r\n", maxLines))); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("Messages-Waiting: yes\r\nMessage-Account: sip:a@b\r\nVoice-Message: 2/8 (0/2)\r\n\r\nTo: x\r\n"))
	f.Add([]byte(" \r\n x: y\r\nMessages-Waiting:\r\n no\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := Parse(b)
		if err != nil {
			if !errors.Is(err, portal.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if !w.Known || w.New < 0 || w.Old < 0 || w.New > maxCount || w.Urgent > w.New || w.Urgent < 0 || len(w.Account) > maxAccount {
			t.Fatalf("%+v", w)
		}
	})
}
