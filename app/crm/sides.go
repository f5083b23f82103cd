package crm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"portico/app/portal"
)

// The side that the synchronisation works on: records whole and as they are stored.

// Changes gives up to limit lines of the change log after a number, by number.
func (s *Service) Changes(ctx context.Context, after int64, limit int) ([]portal.CRMChange, error) {
	return s.s.CRMChanges(ctx, after, limit)
}

// LastChange is the number of the change log's newest line; zero: there is none.
func (s *Service) LastChange(ctx context.Context) (int64, error) { return s.s.LastCRMChange(ctx) }

// Record gives an appointment; one that was deleted has Gone.
func (s *Service) Record(ctx context.Context, id string) (portal.CRMAppointment, error) {
	return s.s.CRMAppointment(ctx, id)
}

// RecordByUID gives the living appointment of a UID.
func (s *Service) RecordByUID(ctx context.Context, uid string) (portal.CRMAppointment, error) {
	return s.s.CRMAppointmentByUID(ctx, uid)
}

// Alike gives the living records of an owner with these times and this subject, spaces and case aside.
func (s *Service) Alike(ctx context.Context, owner portal.Address, subject string, start, end time.Time, allDay bool) ([]portal.CRMAppointment, error) {
	list, err := s.s.CRMAppointmentsAlike(ctx, owner, start, end, allDay)
	if err != nil {
		return nil, err
	}
	var out []portal.CRMAppointment
	for _, r := range list {
		if plain(r.Subject) == plain(subject) {
			out = append(out, r)
		}
	}
	return out, nil
}

// RecordsOf gives the living records that somebody owns or takes part in.
func (s *Service) RecordsOf(ctx context.Context, who portal.Address) ([]portal.CRMAppointment, error) {
	// The span in which appointments lie: what storage can write down.
	first, last := time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2250, 1, 1, 0, 0, 0, 0, time.UTC)
	return s.s.CRMWindow(ctx, who, first, last)
}

// plain is a text without what does not count when two are compared.
func plain(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

// Put stores a record as the synchronisation's work: Revision is the one it was made from (0: new), a stale one is ErrConflict.
// alert: people who take part are told as of a change by hand. ChangedAt and ChangedBy are the caller's; where they are zero, it was
// the synchronisation, now.
func (s *Service) Put(ctx context.Context, a portal.CRMAppointment, alert bool) (portal.CRMAppointment, error) {
	var was *portal.CRMAppointment
	if a.Revision > 0 {
		old, err := s.s.CRMAppointment(ctx, a.ID)
		if err != nil {
			return portal.CRMAppointment{}, err
		}
		if old.Revision != a.Revision {
			return portal.CRMAppointment{}, portal.Fail(portal.ErrConflict, keyConflict)
		}
		was = &old
	}
	if a.ID == "" {
		a.ID = newID()
	}
	if a.UID == "" {
		a.UID = uuid.NewString()
	}
	if a.ChangedBy == "" {
		a.ChangedBy = portal.CRMSync
	}
	if a.ChangedAt.IsZero() {
		a.ChangedAt = s.o.Now().UTC()
	}
	if a.Status == "" || a.Status == portal.StatusConfirmed {
		a.Status = portal.StatusPending
	}
	settle(&a)
	out, err := s.put(ctx, "", change{was: was, is: a, alert: alert})
	if err != nil {
		return portal.CRMAppointment{}, err
	}
	return out[0], nil
}

// Marked tells those who look at records that their way to Exchange got as far as a state. Records that are no more are left out.
func (s *Service) Marked(ctx context.Context, ids []string, st portal.SyncState) error {
	var evs []portal.Addressed
	for _, id := range ids {
		r, err := s.s.CRMAppointment(ctx, id)
		if errors.Is(err, portal.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		evs = append(evs, portal.Addressed{For: participants(&r), Event: portal.SyncEvent{ID: id, Change: portal.Updated, State: st.State}})
	}
	if len(evs) == 0 {
		return nil
	}
	_, err := s.s.PutCRMAppointments(ctx, "", nil, evs...)
	return err
}

// File gives the bytes of a file of a record.
func (s *Service) File(ctx context.Context, hash string) ([]byte, error) {
	return s.s.CRMFile(ctx, hash)
}

// Keep stores the bytes of a file, at most MaxAttachment, and gives what to put into a record's Kept.
func (s *Service) Keep(ctx context.Context, name, contentType string, data []byte) (portal.CRMFile, error) {
	if len(data) > MaxAttachment {
		return portal.CRMFile{}, bad("calendar.attachment-large")
	}
	sum := sha256.Sum256(data)
	f := portal.CRMFile{Hash: hex.EncodeToString(sum[:]), Attachment: portal.Attachment{ID: newID(), Name: name, ContentType: contentType, Size: int64(len(data))}}
	return f, s.s.PutCRMFile(ctx, f.Hash, data)
}

// Users gives all CRM users.
func (s *Service) Users(ctx context.Context) ([]portal.CRMUser, error) { return s.s.CRMUsers(ctx) }

// PutUsers stores CRM users by their Version (0: new), all or none; by is who wants it.
func (s *Service) PutUsers(ctx context.Context, list []portal.CRMUser, by string) ([]portal.CRMUser, error) {
	return s.putUsers(ctx, "", list, by)
}

func (s *Service) putUsers(ctx context.Context, key string, list []portal.CRMUser, by string) ([]portal.CRMUser, error) {
	list = slices.Clone(list)
	for i := range list {
		u, err := checkedUser(list[i])
		if err != nil {
			return nil, err
		}
		list[i] = u
	}
	out, err := s.s.PutCRMUsers(ctx, key, list, by)
	s.forgetUsers()
	if err != nil {
		return nil, known(err, keyConflict, keyNotFound)
	}
	s.ring()
	return out, nil
}

// newID is a new ID of a record (with CRMPrefix) or of a file.
func newID() string {
	return portal.CRMPrefix + strings.ReplaceAll(uuid.NewString(), "-", "")[:22]
}

// known gives the store's plain meanings the sentences of this room.
func known(err error, conflict, missing string) error {
	var said *portal.Error
	switch {
	case err == nil || errors.As(err, &said) && said.Key != "":
		return err
	case errors.Is(err, portal.ErrConflict):
		return portal.Fail(portal.ErrConflict, conflict).Because(err)
	case errors.Is(err, portal.ErrNotFound):
		return portal.Fail(portal.ErrNotFound, missing).Because(err)
	}
	return err
}
