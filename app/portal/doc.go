// Package portal is the house's vocabulary: people and their addresses, presence, messages, events
// and what errors mean. It imports nothing of ours, does no I/O and is spoken by every room.
package portal
