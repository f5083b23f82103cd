package web

// Presence as programs read it: every promised member is there, known or not.

import (
	"time"

	"portico/app/portal"
	"portico/views"
)

// presenceJSON has the members of portal.Presence. Texts that there are not are empty, since is null while
// it is not known; by_hand and until are there only for one's own presence, set by hand.
type presenceJSON struct {
	URI          portal.Address      `json:"uri"`
	Availability portal.Availability `json:"availability"`
	Activity     portal.Activity     `json:"activity"`
	Text         string              `json:"text"`
	Note         string              `json:"note"`
	OutOfOffice  string              `json:"out_of_office"`
	Since        *time.Time          `json:"since"`
	Calendar     string              `json:"calendar"`
	ByHand       bool                `json:"by_hand,omitempty"`
	Until        time.Time           `json:"until,omitzero"`
	Meeting      string              `json:"meeting,omitempty"`
	MeetingPlace string              `json:"meeting_place,omitempty"`
	Location     string              `json:"location,omitempty"`
	TimeZone     string              `json:"time_zone,omitempty"`
	NoIM         bool                `json:"no_im,omitempty"`
	Provider     string              `json:"provider,omitempty"`
}

// presenceFor is p in the words of a reader's language, with times in their zone.
func presenceFor(r views.Reader, p portal.Presence) presenceJSON {
	out := presenceJSON{
		URI: p.URI, Availability: p.Availability, Activity: p.Activity, Text: r.Presence(p), Note: p.Note,
		OutOfOffice: p.OutOfOffice, Calendar: r.Agenda(p), ByHand: p.ByHand, Until: p.Until,
		Meeting: p.Meeting, MeetingPlace: p.MeetingPlace, Location: p.Location, TimeZone: p.TimeZone, NoIM: p.NoIM, Provider: p.Provider,
	}
	if !p.Since.IsZero() {
		out.Since = &p.Since
	}
	return out
}
