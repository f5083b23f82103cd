package rooms

// What rooms of the SIP server (Kamailio's imc module) write, as one reads it: answers to commands, lines about people
// coming and going, and what somebody said.

import (
	"strings"

	"portico/app/portal"
)

// The commands of imc that are sent for people.
const (
	imcRooms   = "#rooms"
	imcMembers = "#members"
	imcJoin    = "#join"
	imcLeave   = "#leave"
)

// maxNames bounds a list of rooms or members.
const maxNames = 2000

// imcKind tells what a text is.
type imcKind int

const (
	// imcOther is any text that is none of the rest: help, answers to commands that people send by hand.
	imcOther imcKind = iota
	imcSaid
	imcRoomList
	imcMemberList
	// imcCame and imcWent: somebody, named by their user part, joined or left.
	imcCame
	imcWent
	// imcIn: the reader is in the room (it was made for them, or they were in before). imcOut: they are not any more.
	imcIn
	imcOut
	// imcPrivate: only the invited come in. imcOwner: who made the room cannot leave it. imcNone: there is no such room.
	imcPrivate
	imcOwner
	imcNone
)

// imcText is one text of a room. Who and text are set where somebody said something, who alone where somebody came
// or went; names in lists, without the marks of owners and administrators.
type imcText struct {
	kind  imcKind
	who   string
	text  string
	names []string
}

// parseIMC reads what a room wrote. What the server kept for somebody who was away begins with a note about it.
func parseIMC(s string) imcText {
	if strings.HasPrefix(s, "[Offline message") {
		if i := strings.Index(s, "] "); i >= 0 {
			s = s[i+2:]
		}
	}
	if rest, is := strings.CutPrefix(s, "*** "); is {
		return imcLine(strings.TrimSpace(rest), s)
	}
	if rest, is := strings.CutPrefix(s, "Rooms:"); is && (rest == "" || rest[0] == '\n' || rest[0] == '\r') {
		return imcText{kind: imcRoomList, names: imcNames(rest)}
	}
	if rest, is := strings.CutPrefix(s, "Members:"); is && (rest == "" || rest[0] == '\n' || rest[0] == '\r') {
		return imcText{kind: imcMemberList, names: imcNames(rest)}
	}
	if who, text, is := bracketed(s); is {
		if text, is = strings.CutPrefix(text, ": "); is {
			return imcText{kind: imcSaid, who: who, text: text}
		}
	}
	return imcText{text: s}
}

// imcLine reads a line about the room.
func imcLine(line, whole string) imcText {
	if who, rest, is := bracketed(line); is {
		switch rest {
		case " has joined the room":
			return imcText{kind: imcCame, who: who}
		case " has left the room":
			return imcText{kind: imcWent, who: who}
		}
		return imcText{text: whole}
	}
	switch {
	case line == "Room was created", line == "You are in the room already", line == "Room already exists and you are a member":
		return imcText{kind: imcIn, text: whole}
	case line == "You have been removed from the room", line == "Room has been destroyed":
		return imcText{kind: imcOut, text: whole}
	case strings.HasPrefix(line, "Private rooms are by invitation only"), line == "A private room with the same name already exists":
		return imcText{kind: imcPrivate, text: whole}
	case strings.HasPrefix(line, "You are the room's owner and cannot leave"):
		return imcText{kind: imcOwner, text: whole}
	case line == "Room not found":
		return imcText{kind: imcNone, text: whole}
	}
	return imcText{text: whole}
}

// bracketed takes "[name]" from the beginning of s.
func bracketed(s string) (name, rest string, is bool) {
	if !strings.HasPrefix(s, "[") {
		return "", "", false
	}
	name, rest, is = strings.Cut(s[1:], "]")
	return name, rest, is && name != "" && len(name) <= 128 && !strings.ContainsAny(name, "[\n\r ")
}

// imcNames reads a list, one "[name]" or (older versions) one address a line; "*" marks an owner, "~" an administrator.
func imcNames(s string) []string {
	var names []string
	for line := range strings.Lines(s) {
		line = strings.TrimLeft(strings.TrimSpace(line), "*~")
		name, _, is := bracketed(line)
		if address, err := portal.ParseAddress(line); !is && strings.HasPrefix(line, "sip:") && err == nil {
			name, is = address.User(), true
		}
		if is && len(names) < maxNames {
			names = append(names, name)
		}
	}
	return names
}
