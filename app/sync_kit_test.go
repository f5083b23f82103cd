package main

// What the tests of CRM and Exchange as one calendar share: a portal beside a lab Exchange of its own process, letters in
// inboxes, and meetings as the API tells them.

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/ews/ewslab"
)

// officeLab is a lab Exchange in the test's process, with a mailbox for everybody but those who keep their diary in CRM alone. It outlives the
// portal's deaths.
func officeLab(t *testing.T) *ewslab.Server {
	t.Helper()
	return exchangeOf(t, slices.DeleteFunc(labMailboxes(), func(p ewslab.Person) bool { return slices.Contains(crmOnly(), p.User) }))
}

// atServer are the environment variables of a portal with an Exchange server; n numbers the servers from 0.
func atServer(n int, name string, s *ewslab.Server) []string {
	prefix := fmt.Sprintf("PORTICO_EWS_SERVER_%d_", n)
	return []string{prefix + "NAME=" + name, prefix + "URL=" + s.URL(), prefix + "USERNAME=" + labService, prefix + "PASSWORD=" + labPassword}
}

// keptAsOne starts a lab Exchange and a portal whose example people are CRM users: all but Frank and Judy, who have no mailbox, are
// kept in step with it.
func keptAsOne(t *testing.T, more ...string) (*ewslab.Server, *program) {
	t.Helper()
	x := officeLab(t)
	p := facingOffice(t, append(atServer(0, "lab", x), more...)...)
	synced(t, p)
	return x, p
}

// facingOffice starts a portal with the example people and customers, and with Exchange servers from outside.
func facingOffice(t *testing.T, environ ...string) *program {
	t.Helper()
	p := command(t, t.TempDir(), append(append(generous(t), "PORTICO_SYNC_FIRST_RETRY=100ms"), environ...), "serve")
	if p.url == "" {
		t.Fatalf("portico did not say where it is:\n%s", p.logged())
	}
	return p
}

// meeting is an appointment as the API tells it, whole.
type meeting struct {
	ID, UID, Subject, Location, Body, Version, Status, Source, Response string
	TimeZone                                                            string `json:"time_zone"`
	Recurrence, Kind                                                    string
	Start, End                                                          time.Time
	AllDay                                                              bool `json:"all_day"`
	Private                                                             bool
	Organizer                                                           struct{ Email string }
	Attendees                                                           []guest
	People, Companies                                                   []string
	Attachments                                                         []struct{ ID, Name string }
	Sync                                                                struct{ State, Error string }
}

// guest is an attendee with their answer.
type guest struct{ URI, Email, Response, Comment string }

func (m meeting) guest(email string) guest {
	i := slices.IndexFunc(m.Attendees, func(g guest) bool { return g.Email == email })
	if i < 0 {
		return guest{}
	}
	return m.Attendees[i]
}

// meetings are somebody's between two times.
func (c *client) meetings(from, to time.Time) []meeting {
	c.t.Helper()
	var out []meeting
	query := url.Values{"from": {from.UTC().Format(time.RFC3339)}, "to": {to.UTC().Format(time.RFC3339)}}
	if status := c.call(http.MethodGet, "/appointments?"+query.Encode(), nil, &out); status != http.StatusOK {
		c.t.Fatalf("appointments of %s: status %d", c.who, status)
	}
	return out
}

// meets are those of a day with a subject.
func (c *client) meets(day time.Time, subject string) []meeting {
	c.t.Helper()
	return slices.DeleteFunc(c.meetings(day, day.AddDate(0, 0, 1)), func(m meeting) bool { return m.Subject != subject })
}

// shows waits until exactly one meeting of a day has the subject and is as wanted, and gives it.
func (c *client) shows(day time.Time, subject string, ok func(meeting) bool) meeting {
	c.t.Helper()
	var got []meeting
	defer func() {
		if c.t.Failed() {
			c.t.Logf("%s has of %q: %+v", c.who, subject, got)
		}
	}()
	await(c.t, longest, subject+" in the calendar of "+c.who, func() bool {
		got = c.meets(day, subject)
		return len(got) == 1 && (ok == nil || ok(got[0]))
	})
	return got[0]
}

// read reads one meeting by its ID.
func (c *client) read(id string) meeting {
	c.t.Helper()
	var out meeting
	if status := c.call(http.MethodGet, "/appointments/"+url.PathEscape(id), nil, &out); status != http.StatusOK {
		c.t.Fatalf("appointment %s of %s: status %d", id, c.who, status)
	}
	return out
}

// reads waits until a meeting is as wanted, and gives it.
func (c *client) reads(id, what string, ok func(meeting) bool) meeting {
	c.t.Helper()
	var got meeting
	defer func() {
		if c.t.Failed() {
			c.t.Logf("%s has %+v", c.who, got)
		}
	}()
	await(c.t, longest, what, func() bool { got = c.read(id); return ok(got) })
	return got
}

// inCRM makes an appointment of an hour in CRM; more are further members of the request, guests the users and addresses invited.
func (c *client) inCRM(id, subject string, start time.Time, more map[string]any, guests ...string) meeting {
	c.t.Helper()
	in := map[string]any{"id": id, "subject": subject, "start": start, "end": start.Add(time.Hour), "time_zone": "Europe/Vienna", "source": "crm"}
	var people []map[string]string
	for _, g := range guests {
		if strings.Contains(g, "@") {
			people = append(people, map[string]string{"email": g})
		} else {
			people = append(people, map[string]string{"uri": "sip:" + g + "@example.test"})
		}
	}
	if people != nil {
		in["attendees"] = people
	}
	for k, v := range more {
		in[k] = v
	}
	var out meeting
	if status := c.call(http.MethodPost, "/appointments", in, &out); status != http.StatusCreated {
		c.t.Fatalf("make %s in CRM: status %d", subject, status)
	}
	return out
}

// changes changes an appointment as it is now; what others write meanwhile is read and the change made again.
func (c *client) changes(id string, change map[string]any) meeting {
	c.t.Helper()
	var out meeting
	await(c.t, longest, "a change of "+id, func() bool {
		change["version"] = c.read(id).Version
		switch status := c.call(http.MethodPatch, "/appointments/"+url.PathEscape(id), change, &out); status {
		case http.StatusOK:
			return true
		case http.StatusConflict:
			return false
		default:
			c.t.Fatalf("change %s: status %d", id, status)
			return false
		}
	})
	return out
}

// deletes takes an appointment away, as it is now.
func (c *client) deletes(id string) {
	c.t.Helper()
	await(c.t, longest, "the deletion of "+id, func() bool {
		query := url.Values{"version": {c.read(id).Version}}
		switch status := c.call(http.MethodDelete, "/appointments/"+url.PathEscape(id)+"?"+query.Encode(), nil, nil); status {
		case http.StatusOK, http.StatusNoContent:
			return true
		case http.StatusConflict:
			return false
		default:
			c.t.Fatalf("delete %s: status %d", id, status)
			return false
		}
	})
}

// letter is a message in an inbox.
type letter struct {
	XMLName   xml.Name
	ItemClass string
	Subject   string
}

// Classes of meeting messages.
const (
	requestLetter = "IPM.Schedule.Meeting.Request"
	cancelLetter  = "IPM.Schedule.Meeting.Canceled"
)

// inbox is everything in the inbox.
func (m *mail) inbox() []letter {
	m.t.Helper()
	status, body := m.post(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>` +
		`<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>`)
	var got struct {
		Items struct {
			All []letter `xml:",any"`
		} `xml:"Body>FindItemResponse>ResponseMessages>FindItemResponseMessage>RootFolder>Items"`
	}
	if err := xml.Unmarshal(body, &got); err != nil || status != http.StatusOK {
		m.t.Fatalf("the inbox of %s: status %d: %v in %s", m.user, status, err, body)
	}
	return got.Items.All
}

// of counts the letters of a class whose subject ends with the meeting's.
func (m *mail) of(class, subject string) int {
	m.t.Helper()
	n := 0
	for _, l := range m.inbox() {
		if l.ItemClass == class && (l.Subject == subject || strings.HasSuffix(l.Subject, ": "+subject)) {
			n++
		}
	}
	return n
}

// about counts all letters about a subject.
func (m *mail) about(subject string) int {
	m.t.Helper()
	n := 0
	for _, l := range m.inbox() {
		if strings.Contains(l.Subject, subject) {
			n++
		}
	}
	return n
}

// atRest waits until both sides have been read and nothing waits to be carried, and the queue holds nothing that failed.
func atRest(t *testing.T, p *program) {
	t.Helper()
	var out, errs string
	await(t, longest, "both sides to be in step", func() bool {
		var status int
		out, errs, status = shell(t, p.dir, "sync", "run")
		return status == exitFine
	})
	if !strings.Contains(out, "queue: 0 waiting, 0 to be tried again, 0 held, 0 failed") {
		t.Errorf("at rest the queue is not empty:\n%s%s", out, errs)
	}
}

// marks sets an appointment's status in CRM.
func (c *client) marks(id, status string) {
	c.t.Helper()
	await(c.t, longest, id+" to be "+status, func() bool {
		var is struct{ Version string }
		if got := c.call(http.MethodGet, "/crm/appointments/"+url.PathEscape(id), nil, &is); got != http.StatusOK {
			c.t.Fatalf("record %s: %d", id, got)
		}
		in := map[string]string{"status": status, "version": is.Version}
		switch got := c.call(http.MethodPut, "/crm/appointments/"+url.PathEscape(id)+"/status", in, nil); got {
		case http.StatusOK:
			return true
		case http.StatusConflict:
			return false
		default:
			c.t.Fatalf("status of %s: %d", id, got)
			return false
		}
	})
	c.reads(id, status, func(m meeting) bool { return m.Status == status })
}

// whole is an item as GetItem gives it, unread.
func (m *mail) whole(i item) string {
	m.t.Helper()
	status, body := m.post(`<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="` + i.ItemID.ID + `"/></m:ItemIds></m:GetItem>`)
	if status != http.StatusOK {
		m.t.Fatalf("an item of %s: status %d: %s", m.user, status, body)
	}
	return string(body)
}
