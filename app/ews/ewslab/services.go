package ewslab

// Where the services beside the store of items are plugged in: their operations, tables, state and goroutines.

import (
	"context"
	"net/http"
	"strings"
)

// extras is the state of the services; embedded in Server.
type extras struct {
	bells  *notifier
	faults faultBoard
	robots robots
	// limiter is what an account may ask for at once.
	limiter *limiter
}

// serviceOperations are the operations of the services.
func (s *Server) serviceOperations() map[string]operation {
	return map[string]operation{
		"GetUserAvailability":   {run: s.opGetUserAvailability},
		"GetUserOofSettings":    {run: s.opGetUserOofSettings},
		"SetUserOofSettings":    {run: s.opSetUserOofSettings},
		"GetMailTips":           {run: s.opGetMailTips, since: "Exchange2010"},
		"GetDelegate":           {run: s.opGetDelegate, since: "Exchange2007_SP1"},
		"AddDelegate":           {run: s.opAddDelegate, since: "Exchange2007_SP1"},
		"UpdateDelegate":        {run: s.opUpdateDelegate, since: "Exchange2007_SP1"},
		"RemoveDelegate":        {run: s.opRemoveDelegate, since: "Exchange2007_SP1"},
		"ResolveNames":          {run: s.opResolveNames},
		"ExpandDL":              {run: s.opExpandDL},
		"FindPeople":            {run: s.opFindPeople, since: "Exchange2013"},
		"GetPersona":            {run: s.opGetPersona, since: "Exchange2013"},
		"GetUserPhoto":          {run: s.opGetUserPhoto, since: "Exchange2013"},
		"GetRoomLists":          {run: s.opGetRoomLists, since: "Exchange2010"},
		"GetRooms":              {run: s.opGetRooms, since: "Exchange2010"},
		"GetServerTimeZones":    {run: s.opGetServerTimeZones, since: "Exchange2010"},
		"GetReminders":          {run: s.opGetReminders, since: "Exchange2013"},
		"PerformReminderAction": {run: s.opPerformReminderAction, since: "Exchange2013"},
		"Subscribe":             {run: s.opSubscribe},
		"Unsubscribe":           {run: s.opUnsubscribe},
		"GetEvents":             {run: s.opGetEvents},
		"GetStreamingEvents":    {stream: s.opGetStreamingEvents, since: "Exchange2010_SP1"},
	}
}

// serviceTables are the SQL statements that create the services' tables, each safe to repeat.
func serviceTables() []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS oof(mailbox INTEGER PRIMARY KEY, props BLOB NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS oof_told(mailbox INTEGER NOT NULL, sender TEXT NOT NULL, PRIMARY KEY(mailbox, sender)) WITHOUT ROWID`,
		`CREATE TABLE IF NOT EXISTS delegates(mailbox INTEGER NOT NULL, email TEXT NOT NULL, copies INTEGER NOT NULL, PRIMARY KEY(mailbox, email)) WITHOUT ROWID`,
		`CREATE TABLE IF NOT EXISTS delegation(mailbox INTEGER PRIMARY KEY, deliver TEXT NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS snoozed(item INTEGER NOT NULL, original INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(item, original)) WITHOUT ROWID`,
	}
}

// setUpExtras prepares the services after the mailboxes exist.
func (s *Server) setUpExtras(ctx context.Context) error {
	s.bells, s.limiter = newNotifier(), newLimiter(s.cfg.Limits)
	s.onChange(s.bells.changed)
	if err := s.setUpRobots(); err != nil {
		return err
	}
	if err := s.defaultRights(ctx); err != nil {
		return err
	}
	if s.cfg.Seed {
		return s.seed(ctx)
	}
	return nil
}

// runExtras runs what the services do by themselves, until ctx ends.
func (s *Server) runExtras(ctx context.Context) { s.runRobots(ctx) }

// serveExtras answers requests on other paths (autodiscover, /lab/faults, /lab/limits, /lab/voicemail); false: not one of its paths.
func (s *Server) serveExtras(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != FaultsPath && r.URL.Path != LimitsPath && r.URL.Path != VoicemailPath && s.faults.isDown(s.now()) {
		panic(http.ErrAbortHandler)
	}
	switch strings.ToLower(r.URL.Path) {
	case "/autodiscover/autodiscover.xml":
		s.servePOX(w, r)
	case "/autodiscover/autodiscover.svc":
		s.serveDiscoverySOAP(w, r)
	case FaultsPath:
		s.serveFaults(w, r)
	case LimitsPath:
		s.serveLimits(w, r)
	case VoicemailPath:
		s.serveVoicemail(w, r)
	default:
		return s.servePhoto(w, r)
	}
	return true
}

// serveSigned answers signed-in requests on the service's address that are not SOAP; there are none.
func (s *Server) serveSigned(http.ResponseWriter, *http.Request, signedIn) bool { return false }
