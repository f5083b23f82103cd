package rooms

// What rooms say themselves to SIP clients.

import "strings"

// The sentences a room says, as keys of the message catalogues, with what fills them.
const (
	WordJoined     = "room.say.joined"     // Room, Topic
	WordJoinFirst  = "room.say.join-first" // Room
	WordClosed     = "room.say.closed"     // Room
	WordLeft       = "room.say.left"       // Room
	WordLastOne    = "room.say.last-manager"
	WordNotMember  = "room.say.not-member"
	WordWho        = "room.say.who"      // Count, Names
	WordWhoSome    = "room.say.who-some" // Count, Names
	WordTopic      = "room.say.topic"    // Topic
	WordNoTopic    = "room.say.no-topic"
	WordTopicSet   = "room.say.topic-set"  // Topic
	WordTopicLong  = "room.say.topic-long" // Max
	WordManagers   = "room.say.managers-only"
	WordPresenters = "room.say.presenters-only"
	WordArchived   = "room.say.archived"
	WordHelp       = "room.say.help"    // Room
	WordUnknown    = "room.say.unknown" // Command
	WordFlood      = "room.say.flood"   // Seconds
	WordMissed     = "room.say.missed"  // Count
	WordFile       = "room.say.file"    // Name
	WordFull       = "room.say.full"
)

// english is each sentence where Options.Say has none. What fills it stands in braces.
func english(key string) string {
	switch key {
	case WordJoined:
		return "You are in {Room} now. Write to this address to speak; /leave goes, /help tells more."
	case WordJoinFirst:
		return "You are not in {Room}, so nobody has read this. Send /join to come in."
	case WordClosed:
		return "{Room} is for its members; its managers let people in."
	case WordLeft:
		return "You have left {Room}."
	case WordLastOne:
		return "You are the last manager of this room. Make somebody else a manager first, or archive the room in the portal."
	case WordNotMember:
		return "You are not in this room."
	case WordWho:
		return "{Count} here: {Names}"
	case WordWhoSome:
		return "{Count} here, among them: {Names}"
	case WordTopic:
		return "Topic: {Topic}"
	case WordNoTopic:
		return "This room has no topic."
	case WordTopicSet:
		return "The topic is now: {Topic}"
	case WordTopicLong:
		return "The topic is too long; it can have {Max} characters."
	case WordManagers:
		return "Only managers of this room may do that."
	case WordPresenters:
		return "In this room only presenters speak."
	case WordArchived:
		return "This room is archived; nothing more can be said in it."
	case WordHelp:
		return "This is {Room}. What you write here all its members read.\n/join comes in, /leave goes, /who tells who is here, /topic tells the topic, /topic TEXT changes it. A line that is to begin with a slash begins with two."
	case WordUnknown:
		return "There is no command {Command} here; /help lists those there are."
	case WordFlood:
		return "That was too much at once. Please wait {Seconds} seconds; what you sent meanwhile nobody has read."
	case WordMissed:
		return "({Count} messages were left out here, because they could not be delivered in time.)"
	case WordFile:
		return "[file: {Name}]"
	case WordFull:
		return "This room is full."
	}
	return key
}

// filled puts args, names and values by turns, into a sentence.
func filled(sentence string, args []string) string {
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, "{"+args[i]+"}", args[i+1])
	}
	return strings.NewReplacer(pairs...).Replace(sentence)
}
