package ews

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Where conversations are kept: the Conversation History folder of a mailbox. Newer servers know it by name; older
// mailboxes have one that a client made, or none.

// Its well-known name, and what it is called where it has none.
const (
	historyName    = "conversationhistory"
	historyDisplay = "Conversation History"
	voicemailName  = "voicemail"
)

const (
	maxNoteMailboxes = 50_000    // remembered; a full book is begun anew
	folderLasts      = time.Hour // then a folder is looked for again
	noFolderLasts    = time.Minute
)

// noteBook remembers, by mailbox, the folder for conversations, that there is no folder for voice mail, the stamps of
// items whose making was never answered, and the voice messages as they were listed last.
type noteBook struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[string]*notePage
	// known is how many voice messages are remembered.
	known int
}

type notePage struct {
	folder string // id; "": there is none
	until  time.Time
	// noVoice: the mailbox has no voice mail folder until then.
	noVoice time.Time
	// doubtful are stamps of items that may have been made.
	doubtful map[string]bool
	// heard are the voice messages as they were listed last.
	heard map[string]heardMail
}

func newNoteBook(now func() time.Time) *noteBook {
	return &noteBook{now: now, by: map[string]*notePage{}}
}

// page needs the mutex.
func (b *noteBook) page(email string) *notePage {
	key := strings.ToLower(email)
	p := b.by[key]
	if p == nil {
		if len(b.by) >= maxNoteMailboxes {
			clear(b.by)
			b.known = 0
		}
		p = &notePage{}
		b.by[key] = p
	}
	return p
}

// folder gives the id of a mailbox's folder, "" where there is none; known is false where it has to be looked for.
func (b *noteBook) folder(email string) (id string, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(email)
	return p.folder, b.now().Before(p.until)
}

func (b *noteBook) setFolder(email, id string) {
	lasts := folderLasts
	if id == "" {
		lasts = noFolderLasts
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(email)
	p.folder, p.until = id, b.now().Add(lasts)
}

func (b *noteBook) forgetFolder(email string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.page(email).until = time.Time{}
}

// lacksVoice tells whether the mailbox had no voice mail folder a while ago.
func (b *noteBook) lacksVoice(email string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now().Before(b.page(email).noVoice)
}

func (b *noteBook) setLacksVoice(email string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.page(email).noVoice = b.now().Add(folderLasts)
}

// maxDoubtful is of one mailbox.
const maxDoubtful = 1_000

// doubt notes that an item of this stamp may have been made, settled takes note that it is known again, and tells whether it was doubtful.
func (b *noteBook) doubt(email, stamp string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(email)
	if p.doubtful == nil || len(p.doubtful) >= maxDoubtful {
		p.doubtful = map[string]bool{}
	}
	p.doubtful[stamp] = true
}

func (b *noteBook) settled(email, stamp string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(email)
	was := p.doubtful[stamp]
	delete(p.doubtful, stamp)
	return was
}

// inHistory does something in the Conversation History folder. Where there is none it is made, or, unless make is set,
// nothing is done. A folder that has vanished since it was found is looked for once more.
func (a *access) inHistory(ctx context.Context, make bool, do func(folder soap.FolderRef) error) error {
	for first := true; ; first = false {
		id, known := a.c.noted.folder(a.email)
		if !known || id == "" && make {
			var err error
			if id, err = a.historyFolder(ctx, make); err != nil {
				return err
			}
			a.c.noted.setFolder(a.email, id)
		}
		if id == "" {
			return nil
		}
		err := do(soap.FolderByID(id))
		if !vanished(err) {
			return err
		}
		a.c.noted.forgetFolder(a.email)
		if !known || !first {
			return portal.Fail(portal.ErrUnavailable, "exchange.down").Because(errors.New(err.Error())) // not as what it was: no item is gone
		}
	}
}

// vanished tells whether a folder is no longer there.
func vanished(err error) bool {
	switch soap.Code(err) {
	case "ErrorFolderNotFound", "ErrorSavedItemFolderNotFound", "ErrorParentFolderNotFound", "ErrorToFolderNotFound", "ErrorInvalidFolderId":
		return true
	}
	return false
}

// historyFolder finds the folder: by its well-known name, else by its display name, else it is made where it is wanted.
func (a *access) historyFolder(ctx context.Context, make bool) (string, error) {
	id, err := a.wellKnown(ctx, historyName)
	if id != "" || err != nil {
		return id, err
	}
	for range 3 { // somebody else may make it at the same time
		if id, err = a.displayed(ctx, historyDisplay); id != "" || err != nil || !make {
			return id, err
		}
		res, err := a.CreateFolder(ctx, a.as, &soap.CreateFolder{Parent: a.folder("msgfolderroot"),
			Folders: []soap.Folder{{Kind: "Folder", FolderClass: "IPF.Note", DisplayName: historyDisplay}}})
		var m *soap.FolderMessage
		if err == nil {
			m, err = one(res.Messages)
		}
		switch {
		case err == nil && len(m.Folders) > 0 && m.Folders[0].FolderID != nil:
			return m.Folders[0].FolderID.ID, nil
		case err != nil && soap.Code(err) != "ErrorFolderExists":
			return "", err
		}
	}
	return "", portal.Fail(portal.ErrUnavailable, "exchange.down").Because(errors.New("a folder that exists is not found"))
}

// wellKnown gives the id of a well-known folder, "" where the mailbox lacks it or the server does not know the name.
func (a *access) wellKnown(ctx context.Context, name string) (string, error) {
	res, err := a.GetFolder(ctx, a.as, &soap.GetFolder{Shape: soap.FolderShape{BaseShape: soap.IDOnly}, Folders: []soap.FolderRef{a.folder(name)}})
	var m *soap.FolderMessage
	if err == nil {
		m, err = one(res.Messages)
	}
	switch code := soap.Code(err); {
	case code == "ErrorFolderNotFound", code == "ErrorSchemaValidation", code == "ErrorInvalidIdMalformed", code == "ErrorInvalidRequest":
		return "", nil
	case err != nil:
		return "", err
	case len(m.Folders) == 0 || m.Folders[0].FolderID == nil:
		return "", nil
	}
	return m.Folders[0].FolderID.ID, nil
}

// displayed gives the id of the folder of this name at the top of the mailbox, "" for none.
func (a *access) displayed(ctx context.Context, name string) (string, error) {
	res, err := a.FindFolder(ctx, a.as, &soap.FindFolder{Traversal: "Shallow",
		Shape: soap.FolderShape{BaseShape: soap.IDOnly, AdditionalProperties: soap.Fields("folder:DisplayName")},
		Page:  soap.Page(0, 10), Restriction: soap.Where(soap.Equal(soap.Field("folder:DisplayName"), name)), Parents: []soap.FolderRef{a.folder("msgfolderroot")}})
	if err != nil {
		return "", err
	}
	m, err := one(res.Messages)
	if err != nil || m.Root == nil {
		return "", err
	}
	for _, f := range m.Root.Folders {
		if f.FolderID != nil && strings.EqualFold(f.DisplayName, name) { // not all servers know the restriction
			return f.FolderID.ID, nil
		}
	}
	return "", nil
}
