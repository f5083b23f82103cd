package portal

import "time"

// CRMUser is somebody who works with CRM: a colleague, or a resource that appointments are made with.
type CRMUser struct {
	// Address names the user; of a resource without a SIP address it is the e-mail address as one.
	Address   Address `json:"uri"`
	FirstName string  `json:"first_name"`
	LastName  string  `json:"last_name"`
	Email     string  `json:"email"`
	// Resource marks a user who was made by the synchronisation to stand in appointments: nobody signs in as them.
	Resource bool `json:"resource,omitempty"`
	// ExchangeID is who they are in Exchange (the directory's identifier, or the primary SMTP address where there is none);
	// empty: their diary is in CRM alone and is not synchronised. Server is the configured server their mailbox lives on.
	ExchangeID string `json:"exchange_id"`
	Server     string `json:"exchange_server"`
	// Cleared: the ExchangeID was taken away by hand, which stopped the synchronisation.
	Cleared bool `json:"cleared,omitempty"`
	// Since is when their synchronisation was switched on: what existed before causes no mail.
	Since   time.Time `json:"since,omitzero"`
	Version int64     `json:"version"`
}

// Synced reports whether the user's mailbox is kept in step.
func (u CRMUser) Synced() bool { return u.ExchangeID != "" }

// Name is the user's name as people write it.
func (u CRMUser) Name() string { return joined(u.FirstName, u.LastName) }

func joined(first, last string) string {
	switch {
	case first == "":
		return last
	case last == "":
		return first
	}
	return first + " " + last
}

// CRMCompany is an organisation that appointments are tied to.
type CRMCompany struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	City    string `json:"city,omitempty"`
	Phone   string `json:"phone,omitempty"`
	Web     string `json:"web,omitempty"`
	Version int64  `json:"version"`
}

// CRMPerson is somebody outside, of a company as a rule, whom appointments are tied to.
type CRMPerson struct {
	ID        string `json:"id"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Email     string `json:"email,omitempty"`
	Phone     string `json:"phone,omitempty"`
	Title     string `json:"title,omitempty"`
	// Company is a CRMCompany's ID, CompanyName its name for display; both empty: none.
	Company     string `json:"company,omitempty"`
	CompanyName string `json:"company_name,omitempty"`
	Version     int64  `json:"version"`
}

// Name is the person's name as people write it.
func (p CRMPerson) Name() string { return joined(p.FirstName, p.LastName) }

// CRMPrefix begins the ID of every appointment that CRM keeps.
const CRMPrefix = "crm-"

// CRMAppointment is a communication of the kind appointment: one record for all who take part, whoever's calendar it is seen in.
//
// Entry.ID begins with CRMPrefix and never changes. Entry.Calendar is whose it is (the organiser, where that is a CRM user; of a
// Stub the first participant). Entry.UID is the iCalendar UID that it shares with its copies in Exchange; no two records that
// live have the same. Attendees with a URI are CRM users, those without are people outside. Entry.People and Companies are IDs
// and never leave CRM. RemoteID, ChangeKey and ChangeID are empty.
type CRMAppointment struct {
	Entry
	// Origin is where it was made: SourceCRM or SourceExchange.
	Origin string `json:"origin"`
	// Stub: its organiser is no user of the synchronisation, so that in CRM it can only be read, answered and tied.
	Stub bool `json:"stub,omitempty"`
	// Revision grows by one with each stored change; a new record is stored as 1.
	Revision int64 `json:"revision"`
	// ChangedAt is when it was last changed by people, on either side; ChangedBy by whom (a CRM user, or CRMSync for the
	// synchronisation). They decide which of two changes is the later.
	ChangedAt time.Time `json:"changed_at"`
	ChangedBy string    `json:"changed_by"`
	// Gone is when it was deleted; zero while it lives. The record stays, so that a late copy is known as one.
	Gone time.Time `json:"gone,omitzero"`
	// Kept are the files of it, by Attachment.ID.
	Kept []CRMFile `json:"-"`
}

// CRMFile is a file of a CRM appointment; Hash is the SHA-256 of its bytes in hexadecimal.
type CRMFile struct {
	Attachment
	Hash string `json:"hash"`
}

// CRMSync is who changed a record where the synchronisation did.
const CRMSync = "sync"

// CRMChange is a line of the CRM store's own change log.
type CRMChange struct {
	// Seq grows over the whole log.
	Seq int64 `json:"seq"`
	// Kind is "appointment", "person", "company" or "user"; ID the record's.
	Kind   string    `json:"kind"`
	ID     string    `json:"id"`
	Change Change    `json:"change"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	// Revision is the appointment's after the change.
	Revision int64 `json:"revision,omitempty"`
}
