package rooms

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseIMC(t *testing.T) {
	for s, want := range map[string]imcText{
		"[bob]: hello":                           {kind: imcSaid, who: "bob", text: "hello"},
		"[bob]: [carol]: no":                     {kind: imcSaid, who: "bob", text: "[carol]: no"},
		"[bob]: *** [carol] has left the room":   {kind: imcSaid, who: "bob", text: "*** [carol] has left the room"},
		"[Offline message - today] [bob]: there": {kind: imcSaid, who: "bob", text: "there"},
		"*** [bob] has joined the room":          {kind: imcCame, who: "bob"},
		"*** [bob] has left the room":            {kind: imcWent, who: "bob"},
		"Rooms:":                                 {kind: imcRoomList},
		"Rooms:\n[a]\n[b]":                       {kind: imcRoomList, names: []string{"a", "b"}},
		"Rooms:\nsip:a@x.test\nnonsense":         {kind: imcRoomList, names: []string{"a"}},
		"Rooms: are full":                        {text: "Rooms: are full"},
		"Members:\n*[a]\n~[b]\n[c":               {kind: imcMemberList, names: []string{"a", "b"}},
		"*** Room was created":                   {kind: imcIn, text: "*** Room was created"},
		"*** You are in the room already":        {kind: imcIn, text: "*** You are in the room already"},
		"*** You have been removed from the room": {kind: imcOut,
			text: "*** You have been removed from the room"},
		"*** Room has been destroyed": {kind: imcOut, text: "*** Room has been destroyed"},
		"*** Room not found":          {kind: imcNone, text: "*** Room not found"},
		"*** [bob] is now admin":      {text: "*** [bob] is now admin"},
		"help":                        {text: "help"},
		"[bob] hello":                 {text: "[bob] hello"},
		"":                            {},
	} {
		if got := parseIMC(s); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %+v, want %+v", s, got, want)
		}
	}
	if n := len(parseIMC("Rooms:\n" + strings.Repeat("[x]\n", 5000)).names); n != maxNames {
		t.Errorf("%d names", n)
	}
}

func TestCommand(t *testing.T) {
	for s, want := range map[string]string{
		"/join": "join||", " /Topic  new topic \r\n": "topic|new topic|", "//join": "||/join", "/usr/bin": "||/usr/bin", "hello /join": "||hello /join",
		"/": "||/", "/ join": "||/ join", "/me2": "||/me2", "/help\tme": "help|me|", "": "||", "/" + strings.Repeat("x", 21): "||/" + strings.Repeat("x", 21),
	} {
		name, rest, plain, is := command(s)
		if got := name + "|" + rest + "|" + plain; got != want || is != (name != "") {
			t.Errorf("%q: %q (%t), want %q", s, got, is, want)
		}
	}
}
