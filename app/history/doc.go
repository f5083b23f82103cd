// Package history finds every conversation again: the list of a person's conversations by time and person, search
// over all they may read, export and deletion, retention and legal hold, and the copies in Exchange's Conversation History.
package history
