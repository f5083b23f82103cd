package web

import (
	"context"
	"io"
	"net/http"
	"time"

	"portico/app/calsync"
	"portico/app/crm"
	"portico/app/hook"
	"portico/app/portal"
)

// CRM is what people keep in CRM. me is whose request it is; key is an idempotency key, "" for none: a repeat of it changes
// nothing and gives what the first gave.
type CRM interface {
	People(ctx context.Context, text string, limit int) ([]portal.CRMPerson, error)
	Person(ctx context.Context, id string) (portal.CRMPerson, error)
	// SavePerson stores a person by Version (0: new).
	SavePerson(ctx context.Context, me portal.Address, key string, p portal.CRMPerson) (portal.CRMPerson, error)
	DeletePerson(ctx context.Context, me portal.Address, id string, version int64) error
	Companies(ctx context.Context, text string, limit int) ([]portal.CRMCompany, error)
	Company(ctx context.Context, id string) (portal.CRMCompany, error)
	SaveCompany(ctx context.Context, me portal.Address, key string, p portal.CRMCompany) (portal.CRMCompany, error)
	DeleteCompany(ctx context.Context, me portal.Address, id string, version int64) error
	PeopleByID(ctx context.Context, ids []string) ([]portal.CRMPerson, error)
	CompaniesByID(ctx context.Context, ids []string) ([]portal.CRMCompany, error)
	Users(ctx context.Context) ([]portal.CRMUser, error)
	User(ctx context.Context, who portal.Address) (portal.CRMUser, error)
	FindUsers(ctx context.Context, text string, limit int) ([]portal.CRMUser, error)
	// SaveUser stores a user by Version (0: new), for administrators.
	SaveUser(ctx context.Context, me portal.Address, u portal.CRMUser) (portal.CRMUser, error)

	// Window gives me's own CRM calendar, occurrences one by one, by start.
	Window(ctx context.Context, me portal.Address, from, to time.Time, loc *time.Location) ([]portal.Appointment, error)
	// Entries gives the living records in of's calendar of which anything may lie in a time. It asks for no right.
	Entries(ctx context.Context, of portal.Address, from, to time.Time) ([]portal.CRMAppointment, error)
	// AppointmentsOf gives those that are tied to a person or a company (the one that is not empty) and that me may see, the latest first.
	AppointmentsOf(ctx context.Context, me portal.Address, person, company string, limit int) ([]portal.CRMAppointment, error)
	// Get gives a record by its ID, that of a mirrored entry of Exchange included; ErrNotFound where me takes no part in it.
	Get(ctx context.Context, me portal.Address, id string) (portal.CRMAppointment, error)
	// Record gives a record as it is stored, to whomever; one that was deleted has Gone.
	Record(ctx context.Context, id string) (portal.CRMAppointment, error)
	// Create makes a record, Change changes one, Delete cancels it.
	Create(ctx context.Context, me portal.Address, key string, a portal.Appointment) (portal.CRMAppointment, error)
	Change(ctx context.Context, me portal.Address, id string, ch portal.AppointmentChange, version string) (portal.CRMAppointment, error)
	Delete(ctx context.Context, me portal.Address, id, version string) error
	// SetStatus makes it pending, complete or cancelled; SetTies says which people and companies it is about.
	SetStatus(ctx context.Context, me portal.Address, id string, status portal.AppointmentStatus, version string) (portal.CRMAppointment, error)
	SetTies(ctx context.Context, me portal.Address, id string, people, companies []string, version string) (portal.CRMAppointment, error)
	Respond(ctx context.Context, me portal.Address, id string, r portal.Response, comment string, p portal.Proposal, scope portal.Scope) (portal.CRMAppointment, error)
	Changes(ctx context.Context, after int64, limit int) ([]portal.CRMChange, error)
	// Import stores what an outside CRM says; key is its idempotency key.
	Import(ctx context.Context, by, key string, b crm.Batch) (crm.Batch, error)
}

// Sync is the engine of the synchronisation, as the control panel sees it. by is the administrator who asks.
type Sync interface {
	Status(ctx context.Context) (portal.SyncStatus, error)
	// Release lets what a mailbox's (or, mailbox "crm", CRM's) mass deletion holds be carried; Restore undoes it on the side where it
	// was made.
	Release(ctx context.Context, by, mailbox portal.Address) error
	Restore(ctx context.Context, by, mailbox portal.Address) error

	Queue(ctx context.Context, f portal.SyncQueueFilter) ([]portal.SyncJob, error)
	Job(ctx context.Context, seq int64) (portal.SyncJob, error)
	// Retry tries jobs now (none named: all that failed or wait for a retry) and says how many.
	Retry(ctx context.Context, by portal.Address, seqs []int64) (int, error)
	Discard(ctx context.Context, by portal.Address, seq int64, reason string) error
	// ExportQueue and ImportQueue are the queue as an XML file; importing says how many jobs were taken in.
	ExportQueue(ctx context.Context, f portal.SyncQueueFilter) ([]byte, error)
	ImportQueue(ctx context.Context, by portal.Address, data []byte) (int, error)

	Log(ctx context.Context, f portal.SyncLogFilter) ([]portal.SyncTransaction, error)
	Conflicts(ctx context.Context, crm string, limit int) ([]portal.SyncConflict, error)
	Conflict(ctx context.Context, id string) (portal.SyncConflict, error)
	TakeBack(ctx context.Context, by portal.Address, id string) (portal.SyncConflict, error)

	// Lines are those of the live log after a number, the oldest first.
	Lines(ctx context.Context, after int64, limit int) ([]portal.SyncLogLine, error)
}

// SyncAdmin is what administrators set up about the synchronisation.
type SyncAdmin interface {
	// Settings never give passwords. SaveSettings stores them by Revision, and says what a check against the real servers
	// found; faults in them are ErrInvalid with a SyncFault each (portal.FaultsError).
	Settings(ctx context.Context) (portal.SyncSettings, error)
	SaveSettings(ctx context.Context, by portal.Address, s portal.SyncSettings) (portal.SyncSettings, []portal.SyncFinding, error)
	CheckSettings(ctx context.Context, s portal.SyncSettings) ([]portal.SyncFinding, error)

	PlanUsers(ctx context.Context) ([]portal.SyncUserPlan, error)
	// RunUsers begins, or takes up a stopped run with resume; it returns at once. StopUsers stops it after the one under way.
	RunUsers(ctx context.Context, by portal.Address, chosen []portal.Address, resume bool) (portal.SyncUsersRun, error)
	StopUsers(ctx context.Context, by portal.Address) (portal.SyncUsersRun, error)
	UsersRun(ctx context.Context) (portal.SyncUsersRun, error)
	ClearUser(ctx context.Context, by, who portal.Address) (portal.CRMUser, error)

	// Diagnose tests the connection to somebody's mailbox.
	Diagnose(ctx context.Context, mailbox portal.Address) (portal.SyncFinding, error)

	// Rules are the mapping's rules as JSON (an array), with their revision. Faults are as of SaveSettings.
	Rules(ctx context.Context) (rules []byte, revision int64, err error)
	SaveRules(ctx context.Context, by portal.Address, rules []byte, revision int64) (int64, error)
	// PreviewRules shows what rules would make of an appointment (a CRM record's ID).
	PreviewRules(ctx context.Context, rules []byte, d portal.Direction, crm string) (portal.SyncRulesPreview, error)
}

// Hooks are the programs outside that hear of the CRM side's changes and send their own.
type Hooks interface {
	Endpoints(ctx context.Context) ([]portal.HookEndpoint, error)
	// Save stores an endpoint by Version (0: a new one); secret is given where it has a new one, to be shown once.
	Save(ctx context.Context, e portal.HookEndpoint, fresh bool) (saved portal.HookEndpoint, secret string, err error)
	Delete(ctx context.Context, id string) error
	// Deliveries gives up to limit of an endpoint, the newest first, those below a Seq where before is not zero.
	Deliveries(ctx context.Context, endpoint, state string, before int64, limit int) ([]portal.HookDelivery, error)
	Resend(ctx context.Context, seq int64) error
	// Read verifies a signed message and reads what it says.
	Read(ctx context.Context, h http.Header, body io.Reader) (hook.Incoming, error)
}

var (
	_ CRM       = (*crm.Service)(nil)
	_ Sync      = (*calsync.Service)(nil)
	_ SyncAdmin = (*calsync.Panel)(nil)
	_ Hooks     = (*hook.Service)(nil)
)
