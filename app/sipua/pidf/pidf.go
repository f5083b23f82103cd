// Package pidf turns presence claims into PIDF documents and back: RFC 3863 with RPID (RFC 4480),
// data-model persons (RFC 4479), service capabilities (RFC 5196) and the portal's own extension.
//
// # How a claim is written
//
// A document of the portal has one tuple and one person. The extension elements (namespace
// urn:portico:presence:1) inside the tuple carry the claim exactly; everything else says the same
// as closely as the standard can, for the clients of others:
//
//	availability      activity           basic    rpid:activities              rpid:user-input
//	available         -                  open     -                            active
//	available         inactive           open     -                            idle
//	busy              -                  open     busy                         -
//	any open one      in-a-call          open     on-the-phone                 -
//	any open one      in-a-meeting       open     meeting                      -
//	any open one      in-a-conference    open     on-the-phone                 -
//	do-not-disturb    -                  open     busy                         -
//	be-right-back     -                  open     away                         idle
//	away              -                  open     away                         idle
//	any open one      out-of-office      open     away, "out-of-office"        -
//	any open one      custom-N           open     and the English text as "other"
//	offline           any                closed   -                            -
//	unknown           any                -        unknown                      -
//
// The other fields of a claim:
//
//	field                          extension                       standard
//	Endpoint                       state endpoint="" where needed  tuple id
//	Note                           -                               note of the tuple and the person
//	OutOfOffice                    out-of-office                   -
//	Since                          since                           user-input last-input
//	Until                          ahead until=""                  -
//	Agenda.Known, BusyUntil        ahead calendar="", busy-until=""  -
//	Agenda.NextFrom, NextUntil     -                               timed-status (RFC 4481)
//	At                             -                               timestamp of the tuple and the person
//	TakesCPIM                      -                               servcaps type message/cpim (RFC 5196)
//	NoIM                           state im="no"                   servcaps message false, MESSAGE not supported
//	Location                       place location=""               place-type other (RFC 4480)
//	TimeZone                       place zone=""                   time-offset of the time At, with a description
//	Custom                         state text lcid=""              activities other, in English
//	Provider, Label                state provider="", label=""     -
//
// Each thing that not everybody may see is in elements of its own, which the rules of a server can take out one by one:
// note and out-of-office; timed-status and ahead; place-type, time-offset and place; timestamp, user-input and since. For
// that reason activities have neither from nor until.
//
// # How a document is read
//
// Each tuple becomes one claim, and so does each person who belongs to no tuple. A tuple with our
// extension is taken at its word. Other tuples take their state from their own activities, or from
// those of the person who belongs to them (see groups), or from a status phrase in a note ("On the
// phone"), or from basic alone, in that order; "closed" means offline, except in the exact form in which
// linphone says "do not disturb" (closed, with a person who is away). Newer publications come first or
// last as the server likes; the order of the document is kept.
// Activities of RFC 4480 that mean nothing for reachability are ignored.
package pidf

// MediaType is the content type of a presence document.
const MediaType = "application/pidf+xml"

// Extension is the namespace of the portal's own extension element.
const Extension = "urn:portico:presence:1"

// What a document may cost to read.
const (
	// MaxBytes is the largest document that is read.
	MaxBytes = 64 << 10
	// MaxClaims is how many claims of one document are kept.
	MaxClaims = 64

	maxDepth      = 32
	maxElements   = 2000
	maxAttributes = 32
)
