package main

// The connector behind a door: an administrator may change the servers while the portal runs, and everybody who
// uses Exchange goes on using the same door.

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"portico/app/calendar"
	"portico/app/ews"
	"portico/app/portal"
)

// exchangeDoor is Exchange as the rooms of the house know it. Run owns the connector that is in use; a new one
// (replace) is running before the old one ends, whose calls under way finish.
type exchangeDoor struct {
	now   atomic.Pointer[ews.Connector]
	board *bellboard
	next  chan connected
	ended chan struct{}

	first connected

	// voices are the mailboxes whose voice mail is watched, see exchange_mail.go; under listening.
	listening sync.Mutex
	voices    map[portal.Address]func()
}

var (
	_ calendar.Placer  = listened{}
	_ calendar.Righter = listened{}
)

// connected is a connector with the ear that hears its bells.
type connected struct {
	*ews.Connector
	ear *doorEar
}

// doorEar passes a connector's news to the board until the connector has been replaced.
type doorEar struct {
	board *bellboard
	deaf  atomic.Bool
}

func (e *doorEar) Rang(m portal.Address) {
	if !e.deaf.Load() {
		e.board.Rang(m)
	}
}

func (e *doorEar) Reached(m portal.Address) {
	if !e.deaf.Load() {
		e.board.Reached(m)
	}
}

func (e *doorEar) Lost(m portal.Address, err error) {
	if !e.deaf.Load() {
		e.board.Lost(m, err)
	}
}

// newExchangeDoor makes a door and, with the options' servers, the connector behind it.
func newExchangeDoor(o ews.Options) (*exchangeDoor, error) {
	d := &exchangeDoor{next: make(chan connected), ended: make(chan struct{})}
	d.board = newBellboard(func(people []portal.Address) { d.now.Load().Watch(people) })
	c, err := d.connect(o)
	if err != nil {
		return nil, err
	}
	d.first = c
	d.now.Store(c.Connector)
	return d, nil
}

// connect makes a connector that could stand behind the door; it is not used before replace.
func (d *exchangeDoor) connect(o ews.Options) (connected, error) {
	ear := &doorEar{board: d.board}
	o.Handler = ear
	c, err := ews.New(o)
	return connected{c, ear}, err
}

// replace puts another connector in use. It fails only when the house closes, or ctx ends.
func (d *exchangeDoor) replace(ctx context.Context, c connected) error {
	select {
	case d.next <- c:
		return nil
	case <-d.ended:
		return portal.Fail(portal.ErrUnavailable, "unavailable").Because(errors.New("the portal closes"))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run keeps the connector in use alive, and the bells, until ctx ends.
func (d *exchangeDoor) Run(ctx context.Context) error {
	defer close(d.ended)
	rest, stop := context.WithCancel(context.WithoutCancel(ctx))
	var alive sync.WaitGroup
	alive.Go(func() { _ = d.board.Run(rest) }) // it has no error to give
	defer func() { stop(); alive.Wait() }()
	fallen := make(chan error, 1)
	start := func(c connected) (end func()) {
		own, cancel := context.WithCancel(rest)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if err := c.Run(own); err != nil {
				select {
				case fallen <- err:
				default:
				}
			}
		}()
		return func() { c.ear.deaf.Store(true); cancel(); <-done }
	}
	end := start(d.first)
	defer func() { end() }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-fallen:
			return err
		case c := <-d.next:
			old := end
			end = start(c)
			d.now.Store(c.Connector)
			d.board.forget()
			old()
			d.board.again()
			d.listenAgain()
		}
	}
}

// Ready is nil unless a server is known not to answer.
func (d *exchangeDoor) Ready() error { return d.now.Load().Ready() }

// Check signs in to one server by name.
func (d *exchangeDoor) Check(ctx context.Context, server string) error {
	return d.now.Load().Check(ctx, server)
}

// CheckMailbox opens somebody's calendar on one server by name.
func (d *exchangeDoor) CheckMailbox(ctx context.Context, server string, who portal.Address) error {
	return d.now.Load().CheckMailbox(ctx, server, who)
}

// What follows passes everything on to the connector in use; what it means is written there.

// Attach is the connector's.
func (d *exchangeDoor) Attach(ctx context.Context, reader, owner portal.Address, ref portal.Entry, name, contentType string, data []byte) (portal.Entry, error) {
	return d.now.Load().Attach(ctx, reader, owner, ref, name, contentType, data)
}

// AttachmentData is the connector's.
func (d *exchangeDoor) AttachmentData(ctx context.Context, reader, owner portal.Address, attachmentID string) (io.ReadCloser, portal.Attachment, error) {
	return d.now.Load().AttachmentData(ctx, reader, owner, attachmentID)
}

// Availability is the connector's.
func (d *exchangeDoor) Availability(ctx context.Context, asker portal.Address, emails []string, from, to time.Time) ([]portal.Availabilities, error) {
	return d.now.Load().Availability(ctx, asker, emails, from, to)
}

// Changes is the connector's.
func (d *exchangeDoor) Changes(ctx context.Context, reader, owner portal.Address, state string) (portal.CalendarDelta, error) {
	return d.now.Load().Changes(ctx, reader, owner, state)
}

// Create is the connector's.
func (d *exchangeDoor) Create(ctx context.Context, reader, owner portal.Address, ap portal.Appointment, o portal.WriteOptions) (portal.Entry, error) {
	return d.now.Load().Create(ctx, reader, owner, ap, o)
}

// Delegates is the connector's.
func (d *exchangeDoor) Delegates(ctx context.Context, who portal.Address) ([]portal.Delegate, error) {
	return d.now.Load().Delegates(ctx, who)
}

// Delete is the connector's.
func (d *exchangeDoor) Delete(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, comment string) error {
	return d.now.Load().Delete(ctx, reader, owner, ref, occurrence, comment)
}

// Detach is the connector's.
func (d *exchangeDoor) Detach(ctx context.Context, reader, owner portal.Address, ref portal.Entry, attachmentID string) (portal.Entry, error) {
	return d.now.Load().Detach(ctx, reader, owner, ref, attachmentID)
}

// Entry is the connector's.
func (d *exchangeDoor) Entry(ctx context.Context, reader, owner portal.Address, remoteID string) (portal.Entry, error) {
	return d.now.Load().Entry(ctx, reader, owner, remoteID)
}

// Expand is the connector's.
func (d *exchangeDoor) Expand(ctx context.Context, who portal.Address, email string) ([]portal.Attendee, error) {
	return d.now.Load().Expand(ctx, who, email)
}

// Find is the connector's.
func (d *exchangeDoor) Find(ctx context.Context, reader, owner portal.Address, changeID string) (portal.Entry, bool, error) {
	return d.now.Load().Find(ctx, reader, owner, changeID)
}

// Forward is the connector's.
func (d *exchangeDoor) Forward(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, to []portal.Attendee, comment string) error {
	return d.now.Load().Forward(ctx, reader, owner, ref, occurrence, to, comment)
}

// OutOfOffice is the connector's.
func (d *exchangeDoor) OutOfOffice(ctx context.Context, who portal.Address) (portal.OutOfOfficeNote, error) {
	return d.now.Load().OutOfOffice(ctx, who)
}

// Place is the connector's.
func (d *exchangeDoor) Place(ctx context.Context, owner portal.Address) (release func(), err error) {
	return d.now.Load().Place(ctx, owner)
}

// Photo is the connector's.
func (d *exchangeDoor) Photo(ctx context.Context, who portal.Address, email string) ([]byte, string, error) {
	return d.now.Load().Photo(ctx, who, email)
}

// Resolve is the connector's.
func (d *exchangeDoor) Resolve(ctx context.Context, who portal.Address, text string) ([]portal.Attendee, error) {
	return d.now.Load().Resolve(ctx, who, text)
}

// Respond is the connector's.
func (d *exchangeDoor) Respond(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, r portal.Response, comment string, propose portal.Proposal, send bool) error {
	return d.now.Load().Respond(ctx, reader, owner, ref, occurrence, r, comment, propose, send)
}

// Rights is the connector's.
func (d *exchangeDoor) Rights(ctx context.Context, reader, owner portal.Address) (string, error) {
	return d.now.Load().Rights(ctx, reader, owner)
}

// Rooms is the connector's.
func (d *exchangeDoor) Rooms(ctx context.Context, who portal.Address) ([]portal.Attendee, error) {
	return d.now.Load().Rooms(ctx, who)
}

// SetOutOfOffice is the connector's.
func (d *exchangeDoor) SetOutOfOffice(ctx context.Context, who portal.Address, note portal.OutOfOfficeNote) error {
	return d.now.Load().SetOutOfOffice(ctx, who, note)
}

// Suggestions is the connector's.
func (d *exchangeDoor) Suggestions(ctx context.Context, asker portal.Address, attendees []portal.Attendee, from, to time.Time, length time.Duration) ([]portal.Suggestion, error) {
	return d.now.Load().Suggestions(ctx, asker, attendees, from, to, length)
}

// Tips is the connector's.
func (d *exchangeDoor) Tips(ctx context.Context, asker portal.Address, emails []string) (map[string]portal.OutOfOfficeNote, error) {
	return d.now.Load().Tips(ctx, asker, emails)
}

// Update is the connector's.
func (d *exchangeDoor) Update(ctx context.Context, reader, owner portal.Address, ref portal.Entry, ch portal.AppointmentChange, o portal.WriteOptions) (portal.Entry, error) {
	return d.now.Load().Update(ctx, reader, owner, ref, ch, o)
}

// Identity is the connector's.
func (d *exchangeDoor) Identity(ctx context.Context, who portal.Address, email string) (string, string, error) {
	return d.now.Load().Identity(ctx, who, email)
}

// Remove is the connector's.
func (d *exchangeDoor) Remove(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, comment string, quiet bool) error {
	return d.now.Load().Remove(ctx, reader, owner, ref, occurrence, comment, quiet)
}
