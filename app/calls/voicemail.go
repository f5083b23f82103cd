package calls

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"portico/app/portal"
)

// Voice mail as people ask for it: the list, a recording, and what they do with one.

// Voicemails gives somebody's spoken messages, newest first, and what the voice mail system says waits. Where there is no Exchange there
// are none. Where it is away err says so (ErrUnavailable), the list is what was there last, and waiting is filled all the same.
func (s *Service) Voicemails(ctx context.Context, who portal.Address) ([]portal.Voicemail, portal.Waiting, error) {
	m := s.mail
	m.mu.Lock()
	var (
		waiting portal.Waiting
		last    []portal.Voicemail
	)
	if b := m.boxes[who]; b != nil {
		waiting, last = b.waiting, slices.Clone(b.list)
	}
	m.mu.Unlock()
	if m.vm == nil {
		return nil, waiting, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.AskTimeout)
	defer cancel()
	list, err := m.read(ctx, who)
	if err != nil {
		return last, waiting, timely(err)
	}
	return list, waiting, nil
}

// timely is an error with a meaning where Exchange took too long.
func timely(err error) error {
	if errors.Is(err, context.DeadlineExceeded) && portal.Meaning(err) == nil {
		return portal.Fail(portal.ErrUnavailable, "unavailable").Because(err)
	}
	return err
}

// voicemail finds one of somebody's messages: among those known, else in the mailbox; ErrNotFound ("voicemail.not-found").
func (m *mailboxes) voicemail(ctx context.Context, who portal.Address, id string) (portal.Voicemail, error) {
	if m.vm == nil {
		return portal.Voicemail{}, portal.Fail(portal.ErrNotFound, "voicemail.none")
	}
	is := func(v portal.Voicemail) bool { return v.ID == id }
	m.mu.Lock()
	if b := m.boxes[who]; b != nil {
		if i := slices.IndexFunc(b.list, is); i >= 0 {
			v := b.list[i]
			m.mu.Unlock()
			return v, nil
		}
	}
	m.mu.Unlock()
	list, err := m.read(ctx, who)
	if err != nil {
		return portal.Voicemail{}, timely(err)
	}
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i], nil
	}
	return portal.Voicemail{}, portal.Fail(portal.ErrNotFound, "voicemail.not-found")
}

// gone gives an error of the connector about a message the meaning it has here.
func gone(err error) error {
	if errors.Is(err, portal.ErrNotFound) {
		return portal.Fail(portal.ErrNotFound, "voicemail.not-found").Because(err)
	}
	return timely(err)
}

// Recording gives a spoken message, with the kind and size of its recording, and the recording itself. ErrNotFound
// ("voicemail.not-found"), ErrForbidden ("voicemail.protected"), ErrInvalid ("voicemail.too-large").
func (s *Service) Recording(ctx context.Context, who portal.Address, id string) (portal.Voicemail, io.ReadSeeker, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	v, err := s.mail.voicemail(ctx, who, id)
	if err != nil {
		return portal.Voicemail{}, nil, err
	}
	if v.Protected {
		return portal.Voicemail{}, nil, portal.Fail(portal.ErrForbidden, "voicemail.protected")
	}
	r, err := s.mail.audio.get(ctx, who, v)
	if err != nil {
		return portal.Voicemail{}, nil, gone(err)
	}
	v.Type, v.Size = r.mediaType, int64(len(r.audio))
	return v, bytes.NewReader(r.audio), nil
}

// Heard marks a spoken message heard, or not.
func (s *Service) Heard(ctx context.Context, who portal.Address, id string, heard bool) error {
	return s.changeVoicemail(ctx, who, id, portal.Updated, func(ctx context.Context) error { return s.mail.vm.MarkHeard(ctx, who, id, heard) },
		func(list []portal.Voicemail) []portal.Voicemail {
			for i := range list {
				if list[i].ID == id {
					list[i].Heard = heard
				}
			}
			return list
		})
}

// DeleteVoicemail deletes a spoken message from the mailbox; one that is not there is ErrNotFound ("voicemail.not-found").
func (s *Service) DeleteVoicemail(ctx context.Context, who portal.Address, id string) error {
	return s.changeVoicemail(ctx, who, id, portal.Deleted, func(ctx context.Context) error { return s.mail.vm.DeleteVoicemail(ctx, who, id) },
		func(list []portal.Voicemail) []portal.Voicemail {
			return slices.DeleteFunc(list, func(v portal.Voicemail) bool { return v.ID == id })
		})
}

// changeVoicemail changes a message in the mailbox, then what is known of it, and tells of it.
func (s *Service) changeVoicemail(ctx context.Context, who portal.Address, id string, change portal.Change, do func(context.Context) error, apply func([]portal.Voicemail) []portal.Voicemail) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.AskTimeout)
	defer cancel()
	m := s.mail
	if _, err := m.voicemail(ctx, who, id); err != nil {
		return err
	}
	m.mu.Lock()
	b := m.box(who)
	m.mu.Unlock()
	b.turn.Lock() // a reading that began before ends before
	defer b.turn.Unlock()
	if err := do(ctx); err != nil {
		return gone(err)
	}
	m.mu.Lock()
	b.list = apply(slices.Clone(b.list))
	if m.boxes[who] == b && !b.watched && !b.waiting.Known {
		delete(m.boxes, who)
	}
	m.mu.Unlock()
	if change == portal.Deleted {
		m.audio.drop(who, id)
	}
	return s.later.do(ctx, "news of voice mail", func(ctx context.Context) error { return s.tellVoicemail(ctx, who, id, change) })
}
