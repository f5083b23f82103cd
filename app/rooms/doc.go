// Package rooms is group chat: lasting rooms and groups that grew out of conversations, their members and
// rights, what is said in them in one order for all, and the SIP addresses under which any client reaches them.
//
// The portal is the server of its rooms' domain: a message is stored in the room's log, in one place of its one
// order, before anybody is told of it. Rooms and memberships are kept in memory too, so that rights and counts
// are told without reading; the store is the truth.
package rooms
