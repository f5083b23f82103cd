package crm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// Editing: what people want done to records. Each is made from the record as it is and stored only if that is still so; what came in
// between is looked at again.

// maxTries is how often a change is made afresh because something else came in between.
const maxTries = 8

// Create makes a record of me's (a.Calendar names another owner, for administrators). a.ID may be chosen by the caller (letters, digits, "-" and
// "_"; CRMPrefix is put before it): a repeat with the same ID gives what is there. key is an idempotency key, "" for none.
func (s *Service) Create(ctx context.Context, me portal.Address, key string, a portal.Appointment) (portal.CRMAppointment, error) {
	owner := me
	if a.Calendar != "" && a.Calendar != me {
		if !s.o.Admin(me) {
			return portal.CRMAppointment{}, portal.Fail(portal.ErrForbidden, keyForbidden)
		}
		owner = a.Calendar
	}
	chosen := a.ID != ""
	id, err := chosenID(a.ID)
	if err != nil {
		return portal.CRMAppointment{}, err
	}
	if chosen {
		if r, err := s.repeated(ctx, me, owner, id); err == nil || !errors.Is(err, portal.ErrNotFound) {
			return r, err
		}
	}
	if err := s.user(ctx, owner, me); err != nil {
		return portal.CRMAppointment{}, err
	}
	r, err := s.fresh(ctx, me, owner, a)
	if err != nil {
		return portal.CRMAppointment{}, err
	}
	r.ID = id
	settle(&r)
	if key != "" {
		key = string(me) + " create " + key
	}
	out, err := s.put(ctx, key, change{is: r, alert: true})
	if errors.Is(err, portal.ErrConflict) && chosen { // another of the same ID was faster
		if r, again := s.repeated(ctx, me, owner, id); again == nil {
			return r, nil
		}
	}
	if err != nil {
		return portal.CRMAppointment{}, err
	}
	return s.given(ctx, me, out[0])
}

// repeated is what a repeated Create gives: what the first made. ErrNotFound: there was no first.
func (s *Service) repeated(ctx context.Context, me, owner portal.Address, id string) (portal.CRMAppointment, error) {
	r, err := s.s.CRMAppointment(ctx, id)
	switch {
	case err != nil:
		return r, err
	case r.Calendar != owner:
		return portal.CRMAppointment{}, portal.Fail(portal.ErrConflict, keyTaken)
	case !r.Gone.IsZero():
		return portal.CRMAppointment{}, portal.Fail(portal.ErrConflict, keyGone)
	}
	if s.part(&r, me) == partNone { // it has become private since
		return portal.CRMAppointment{}, portal.Fail(portal.ErrConflict, keyTaken)
	}
	return s.given(ctx, me, r)
}

// fresh is a new record of an owner; its ID is the caller's to set.
func (s *Service) fresh(ctx context.Context, me, owner portal.Address, a portal.Appointment) (portal.CRMAppointment, error) {
	a, err := s.checked(ctx, me, owner, a)
	if err != nil {
		return portal.CRMAppointment{}, err
	}
	if err := s.tied(ctx, &a.People, &a.Companies); err != nil {
		return portal.CRMAppointment{}, err
	}
	d, err := s.directory(ctx)
	if err != nil {
		return portal.CRMAppointment{}, err
	}
	for i := range a.Attendees {
		a.Attendees[i] = unanswered(a.Attendees[i])
	}
	now := s.o.Now().UTC()
	a.Calendar, a.Organizer = owner, s.attendee(ctx, d, portal.Attendee{URI: owner, Response: portal.ResponseOrganizer})
	if a.UID == "" {
		a.UID = uuid.NewString()
	}
	switch a.Status {
	case portal.StatusComplete, portal.StatusPending:
	default:
		a.Status = portal.StatusPending
	}
	a.InvitedAt, a.UpdatedAt, a.Sequence, a.Attachments = now, now, 0, nil
	return portal.CRMAppointment{Entry: portal.Entry{Appointment: a}, Origin: portal.SourceCRM, ChangedAt: now, ChangedBy: string(me)}, nil
}

func unanswered(p portal.Attendee) portal.Attendee {
	p.Response, p.RespondedAt, p.Comment, p.ProposedStart, p.ProposedEnd = portal.ResponseNone, time.Time{}, "", time.Time{}, time.Time{}
	return p
}

// Change changes a record. id may be an occurrence's: then ch.Scope says how much of the series is meant (empty: one) and the times in ch
// are those of that occurrence. version is the one the change was made from: a stale one is ErrConflict, an empty one is not
// compared. With ScopeFollowing the series is cut in two, and the result is the later one.
func (s *Service) Change(ctx context.Context, me portal.Address, id string, ch portal.AppointmentChange, version string) (portal.CRMAppointment, error) {
	return s.edit(ctx, me, id, version, func(e *edit) error {
		if err := s.mayChange(&e.is, me); err != nil {
			return err
		}
		return s.change(ctx, me, e, ch)
	})
}

// Delete takes a record, or the one occurrence that id names, away and cancels it for those who take part. Somebody invited who has
// no mailbox declines by it.
func (s *Service) Delete(ctx context.Context, me portal.Address, id, version string) error {
	return s.Remove(ctx, me, id, version, "", portal.ScopeOne)
}

// Remove is Delete with how much of a series an occurrence's id means (empty: one), and a comment for an answer that it gives.
func (s *Service) Remove(ctx context.Context, me portal.Address, id, version, comment string, scope portal.Scope) error {
	if len(comment) > MaxBody {
		return bad("calendar.body-long")
	}
	r, err := s.named(ctx, me, id)
	if err != nil {
		return err
	}
	if s.part(&r, me) == partInvited {
		if scope == portal.ScopeFollowing {
			return bad("calendar.scope-answer")
		}
		_, err := s.Respond(ctx, me, id, portal.ResponseDeclined, comment, portal.Proposal{}, scope)
		return err
	}
	_, err = s.edit(ctx, me, id, version, func(e *edit) error {
		if err := s.mayChange(&e.is, me); err != nil {
			return err
		}
		return s.remove(e, scope)
	})
	return err
}

// remove takes away what an id and a scope mean.
func (s *Service) remove(e *edit, scope portal.Scope) error {
	at := e.now.RecurrenceID
	switch {
	case at.IsZero() || scope == portal.ScopeAll:
		e.is.Gone = s.o.Now().UTC()
	case scope == portal.ScopeOne || scope == "":
		e.is.Exceptions = slices.DeleteFunc(e.is.Exceptions, func(x portal.Appointment) bool { return x.RecurrenceID.Equal(at) })
		e.is.Deleted = append(e.is.Deleted, at)
	case scope == portal.ScopeFollowing:
		head, _, err := series.Parts(&e.is.Entry, at)
		if errors.Is(err, portal.ErrInvalid) && at.Equal(e.is.Start) { // the first: all of it
			e.is.Gone = s.o.Now().UTC()
			return nil
		}
		if err != nil {
			return err
		}
		e.is.Recurrence = head.Rule.String()
		before(&e.is, at)
	default:
		return bad("calendar.scope")
	}
	return nil
}

// before leaves a series only what is different about occurrences before a time.
func before(r *portal.CRMAppointment, at time.Time) {
	r.Exceptions = slices.DeleteFunc(r.Exceptions, func(x portal.Appointment) bool { return !x.RecurrenceID.Before(at) })
	r.Deleted = slices.DeleteFunc(r.Deleted, func(d time.Time) bool { return !d.Before(at) })
}

// SetStatus makes a record pending, complete or cancelled. Completing tells nobody; cancelling does. id may be an occurrence's: that
// one is meant then, and cancelling it takes it out of its series.
func (s *Service) SetStatus(ctx context.Context, me portal.Address, id string, status portal.AppointmentStatus, version string) (portal.CRMAppointment, error) {
	return s.edit(ctx, me, id, version, func(e *edit) error {
		// Of a stub it is no organiser's but everybody's own note that it is done.
		may := s.mayChange(&e.is, me)
		if e.is.Stub && status != portal.StatusCancelled {
			may = s.mayJoin(&e.is, me)
		}
		if may != nil {
			return may
		}
		switch status {
		case portal.StatusPending, portal.StatusComplete:
			e.quiet = e.now.Status != portal.StatusCancelled // what takes place after all is an invitation
		case portal.StatusCancelled:
			if !e.now.RecurrenceID.IsZero() {
				return s.remove(e, portal.ScopeOne)
			}
		default:
			return bad("crm.status")
		}
		if e.now.RecurrenceID.IsZero() {
			for i := range e.is.Exceptions {
				if x := &e.is.Exceptions[i]; x.Status == e.is.Status {
					x.Status = status
				}
			}
			e.is.Status = status
			return nil
		}
		x := series.Changed(&e.is.Entry, e.now.RecurrenceID)
		if x == nil {
			return portal.Fail(portal.ErrNotFound, keyNotFound)
		}
		x.Status = status
		return nil
	})
}

// SetTies says which people and companies a record is about: the whole lists. Whoever takes part may; nobody is told.
func (s *Service) SetTies(ctx context.Context, me portal.Address, id string, people, companies []string, version string) (portal.CRMAppointment, error) {
	if err := s.tied(ctx, &people, &companies); err != nil {
		return portal.CRMAppointment{}, err
	}
	return s.edit(ctx, me, id, version, func(e *edit) error {
		if err := s.mayJoin(&e.is, me); err != nil {
			return err
		}
		e.is.People, e.is.Companies, e.quiet = people, companies, true
		return nil
	})
}

// tied checks ties: each once, to somebody who is there.
func (s *Service) tied(ctx context.Context, people, companies *[]string) error {
	*people, *companies = once(*people), once(*companies)
	if len(*people) > MaxTies || len(*companies) > MaxTies {
		return bad("crm.ties-many")
	}
	if len(*people) > 0 {
		found, err := s.s.CRMPeopleByID(ctx, *people)
		if err != nil {
			return err
		}
		if len(found) != len(*people) {
			return bad("crm.no-person")
		}
	}
	if len(*companies) > 0 {
		found, err := s.s.CRMCompaniesByID(ctx, *companies)
		if err != nil {
			return err
		}
		if len(found) != len(*companies) {
			return bad("crm.no-company")
		}
	}
	return nil
}

func once(list []string) []string {
	out := []string{}
	for _, id := range list {
		if id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// edit is a record that is being changed.
type edit struct {
	// was is the record as it is stored, is as it shall be; now is the part of it that the id means.
	was, is portal.CRMAppointment
	now     portal.Appointment
	// more are new records that come with it; shown is the one among them that shows the result.
	more  []portal.CRMAppointment
	shown bool
	// quiet: nobody is told in words. answered is whose answer it is.
	quiet    bool
	answered portal.Address
}

// living is the record that an id (an occurrence's too) names; ErrNotFound where it was deleted.
func (s *Service) living(ctx context.Context, id string) (portal.CRMAppointment, error) {
	entry, _ := portal.SplitOccurrenceID(id)
	r, err := s.s.CRMAppointment(ctx, entry)
	if err != nil {
		return r, known(err, keyConflict, keyNotFound)
	}
	if !r.Gone.IsZero() {
		return portal.CRMAppointment{}, portal.Fail(portal.ErrNotFound, keyGone)
	}
	return r, nil
}

// edit changes a record by do and stores it with all that has to be told. What changes nothing is not stored.
func (s *Service) edit(ctx context.Context, me portal.Address, id, version string, do func(*edit) error) (portal.CRMAppointment, error) {
	for try := 1; ; try++ {
		e, err := s.begin(ctx, me, id, version)
		if err != nil {
			return portal.CRMAppointment{}, err
		}
		if err := do(e); err != nil {
			return portal.CRMAppointment{}, err
		}
		out, err := s.finish(ctx, me, e)
		if err == nil || !errors.Is(err, portal.ErrConflict) || try == maxTries {
			return out, err
		}
	}
}

func (s *Service) begin(ctx context.Context, me portal.Address, id, version string) (*edit, error) {
	r, err := s.named(ctx, me, id)
	if err != nil {
		return nil, err
	}
	if s.part(&r, me) == partNone {
		return nil, portal.Fail(portal.ErrNotFound, keyNotFound)
	}
	if !fits(&r, version) {
		return nil, portal.Fail(portal.ErrConflict, keyConflict)
	}
	e := &edit{was: r, is: cloned(r)}
	e.now = e.is.Appointment
	if _, at := portal.SplitOccurrenceID(id); !at.IsZero() {
		if r.Recurrence == "" {
			return nil, portal.Fail(portal.ErrNotFound, keyNotFound)
		}
		if e.now, err = series.At(&e.is.Entry, at); err != nil {
			return nil, err
		}
		if e.now.Private && !takesPart(&r, me) {
			return nil, portal.Fail(portal.ErrNotFound, keyNotFound)
		}
	}
	return e, nil
}

func (s *Service) finish(ctx context.Context, me portal.Address, e *edit) (portal.CRMAppointment, error) {
	settle(&e.is)
	same, err := alike(&e.was, &e.is)
	if err != nil {
		return portal.CRMAppointment{}, err
	}
	if same && len(e.more) == 0 {
		return s.given(ctx, me, e.was)
	}
	now := s.o.Now().UTC()
	e.is.ChangedAt, e.is.ChangedBy, e.is.UpdatedAt = now, string(me), now
	if whenOf(&e.was) != whenOf(&e.is) || e.was.Location != e.is.Location || e.is.Status == portal.StatusCancelled || !e.is.Gone.IsZero() {
		e.is.Sequence++
	}
	list := []change{{was: &e.was, is: e.is, alert: !e.quiet, answered: e.answered}}
	for _, r := range e.more {
		settle(&r)
		list = append(list, change{is: r})
	}
	out, err := s.put(ctx, "", list...)
	if err != nil {
		return portal.CRMAppointment{}, err
	}
	if e.shown {
		return s.given(ctx, me, out[len(out)-1])
	}
	return s.given(ctx, me, out[0])
}

// given is a record with all that goes with it, as me may see it.
func (s *Service) given(ctx context.Context, me portal.Address, r portal.CRMAppointment) (portal.CRMAppointment, error) {
	r, err := s.dressed(ctx, r)
	return s.shown(r, me), err
}

// alike reports whether two states of a record are the same in all that is kept.
func alike(a, b *portal.CRMAppointment) (bool, error) {
	one, err := json.Marshal(settled(a))
	if err != nil {
		return false, fmt.Errorf("compare a record: %w", err)
	}
	two, err := json.Marshal(settled(b))
	if err != nil {
		return false, fmt.Errorf("compare a record: %w", err)
	}
	return bytes.Equal(one, two) && slices.EqualFunc(a.Kept, b.Kept, func(x, y portal.CRMFile) bool { return x == y }), nil
}

func settled(r *portal.CRMAppointment) portal.CRMAppointment {
	out := cloned(*r)
	settle(&out)
	return out
}

// cloned is a record that can be changed without changing the given one.
func cloned(r portal.CRMAppointment) portal.CRMAppointment {
	part := func(a *portal.Appointment) {
		a.Attendees, a.Categories, a.Attachments = slices.Clone(a.Attendees), slices.Clone(a.Categories), slices.Clone(a.Attachments)
		a.People, a.Companies = slices.Clone(a.People), slices.Clone(a.Companies)
	}
	part(&r.Appointment)
	r.Exceptions, r.Deleted, r.Kept = slices.Clone(r.Exceptions), slices.Clone(r.Deleted), slices.Clone(r.Kept)
	for i := range r.Exceptions {
		part(&r.Exceptions[i])
	}
	return r
}

// versionOf is a record's version: its revision and the word for what is seen of it.
func versionOf(r *portal.CRMAppointment) string {
	return strconv.FormatInt(r.Revision, 10) + "." + series.EntryVersion(&r.Entry)
}

// fits reports whether a change made from a version can be made to a record: nothing that its author saw may have changed. The
// revision alone is a version too.
func fits(r *portal.CRMAppointment, version string) bool {
	if version == "" {
		return true
	}
	revision, word, _ := strings.Cut(version, ".")
	return revision == strconv.FormatInt(r.Revision, 10) || word != "" && word == series.EntryVersion(&r.Entry)
}
