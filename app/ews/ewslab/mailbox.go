package ewslab

// Mailboxes: one for each person of the configuration, with the standard folders, and how an address finds one.

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// mailbox is somebody's store. Immutable after New.
type mailbox struct {
	ID     int64
	User   string // lower case
	Email  string // lower case
	Person Person
	Zone   *time.Location // of Person.TimeZone
	ZoneID string         // Windows id
}

// entry is one line of the address book: a person with a mailbox, a room, or a list without a mailbox.
type entry struct {
	Person  Person
	Email   string
	Mailbox *mailbox // nil for a list
}

// directory is the address book. Immutable after New.
type directory struct {
	domain  string
	entries []*entry
	byName  map[string]*entry // by user and by e-mail, lower case
	byID    map[int64]*mailbox
}

// find returns the line of a user name or an address, nil without.
func (d *directory) find(name string) *entry {
	return d.byName[strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "smtp:")]
}

// mailbox returns the mailbox of a user name or an address, nil without.
func (d *directory) mailbox(name string) *mailbox {
	if e := d.find(name); e != nil {
		return e.Mailbox
	}
	return nil
}

// standardFolder is a well-known folder as a new mailbox has it.
type standardFolder struct{ dist, parent, class, name string }

// standardFolders in an order in which parents come first.
func standardFolders() []standardFolder {
	return []standardFolder{
		{"root", "", "", "Root"},
		{"msgfolderroot", "root", "IPF", "Top of Information Store"},
		{"inbox", "msgfolderroot", "IPF.Note", "Inbox"},
		{"drafts", "msgfolderroot", "IPF.Note", "Drafts"},
		{"sentitems", "msgfolderroot", "IPF.Note", "Sent Items"},
		{"deleteditems", "msgfolderroot", "IPF.Note", "Deleted Items"},
		{"outbox", "msgfolderroot", "IPF.Note", "Outbox"},
		{"junkemail", "msgfolderroot", "IPF.Note", "Junk Email"},
		{"calendar", "msgfolderroot", "IPF.Appointment", "Calendar"},
		{"contacts", "msgfolderroot", "IPF.Contact", "Contacts"},
		{"tasks", "msgfolderroot", "IPF.Task", "Tasks"},
		{"notes", "msgfolderroot", "IPF.StickyNote", "Notes"},
		{"journal", "msgfolderroot", "IPF.Journal", "Journal"},
		{"conversationhistory", "msgfolderroot", "IPF.Note", "Conversation History"},
		{"searchfolders", "root", "IPF.Note", "Finder"},
		{"voicemail", "searchfolders", "IPF.Note.Microsoft.Voicemail", "Voice Mail"},
		{"recoverableitemsroot", "root", "", "Recoverable Items"},
		{"recoverableitemsdeletions", "recoverableitemsroot", "", "Deletions"},
	}
}

// createMailboxes creates what is missing for the configured people and reads all into the address book.
func (s *Server) createMailboxes(ctx context.Context) (*directory, error) {
	d := &directory{domain: strings.ToLower(s.cfg.Domain), byName: map[string]*entry{}, byID: map[int64]*mailbox{}}
	err := s.store.update(ctx, func(x *tx) error {
		for _, p := range s.cfg.People {
			e, err := newEntry(x, p, d.domain)
			if err != nil {
				return err
			}
			if d.byName[e.Email] != nil {
				return fmt.Errorf("ewslab: %s is configured twice", p.User)
			}
			d.entries = append(d.entries, e)
			d.byName[strings.ToLower(p.User)], d.byName[e.Email] = e, e
			if e.Mailbox != nil {
				d.byID[e.Mailbox.ID] = e.Mailbox
			}
		}
		return nil
	}, nil)
	return d, err
}

func newEntry(x *tx, p Person, domain string) (*entry, error) {
	if p.User == "" || strings.ContainsAny(p.User, "@\\ ") {
		return nil, fmt.Errorf("ewslab: %q is no user name", p.User)
	}
	user := strings.ToLower(p.User)
	e := &entry{Person: p, Email: user + "@" + domain}
	if len(p.List) > 0 {
		return e, nil
	}
	b := &mailbox{User: user, Email: e.Email, Person: p, ZoneID: p.TimeZone}
	if b.ZoneID == "" {
		b.ZoneID = "UTC"
	}
	var ok bool
	if b.Zone, ok = zoneNamed(b.ZoneID); !ok {
		return nil, fmt.Errorf("ewslab: %s: time zone %q is not known", p.User, p.TimeZone)
	}
	e.Mailbox = b
	err := x.QueryRow(`SELECT id FROM mailboxes WHERE user = ?`, user).Scan(&b.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return e, createMailbox(x, b)
	}
	return e, err
}

// createMailbox writes a new mailbox with its standard folders.
func createMailbox(x *tx, b *mailbox) error {
	res, err := x.Exec(`INSERT INTO mailboxes(user) VALUES(?)`, b.User)
	if err != nil {
		return err
	}
	if b.ID, err = res.LastInsertId(); err != nil {
		return err
	}
	ids := map[string]int64{}
	for _, f := range standardFolders() {
		if f.dist == "conversationhistory" && b.Person.NoHistory {
			continue
		}
		made := &folder{Mailbox: b.ID, Parent: ids[f.parent], Dist: f.dist, Class: f.class, Name: f.name, Props: t("Folder")}
		if err := x.insertFolder(made); err != nil {
			return err
		}
		ids[f.dist] = made.ID
	}
	return nil
}
