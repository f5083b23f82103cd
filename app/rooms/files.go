package rooms

// Files: put into a room, found to be what they are, and given out again to who may read them.

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"

	"portico/app/policy"
	"portico/app/portal"
)

// What may wait for its message of one person, in all rooms: this many files, and this many times Options.MaxFile in
// bytes. Uploads that run at the same moment may go beyond it by themselves.
const (
	maxWaiting  = 20
	waitingRoom = 10
)

// mayWait reports whether one more file of who's may wait for its message: ErrTooMany ("file.waiting").
func (s *Service) mayWait(ctx context.Context, who portal.Address) error {
	files, size, err := s.store.WaitingFiles(ctx, who)
	if err == nil && (files >= maxWaiting || size >= waitingRoom*s.o.MaxFile) {
		err = portal.Fail(portal.ErrTooMany, "file.waiting")
	}
	return err
}

// Upload keeps a file that who wants to put into a room; it belongs to nobody's message before one names it. Its type
// is that of its content. A picture with more pixels than may be shown, or one that is not whole, is a plain file.
// Errors: ErrNotFound, ErrForbidden (as Say), ErrInvalid ("file.too-large", "file.empty"), ErrTooMany
// ("room.flood"; "file.waiting" while maxWaiting of who's files, or waitingRoom times MaxFile bytes of them, are in no
// message), ErrUnavailable.
func (s *Service) Upload(ctx context.Context, who, at portal.Address, name string, r io.Reader) (portal.File, error) {
	_, v, err := s.peek(who, at)
	if err != nil {
		return portal.File{}, err
	}
	if err := s.mayTalk(v, who); err != nil {
		return portal.File{}, err
	}
	if err := s.calm(who, v.room.URI, "upload"); err != nil {
		return portal.File{}, err
	}
	if err := s.mayWait(ctx, who); err != nil {
		return portal.File{}, err
	}
	blob, size, err := s.blobs.Put(ctx, r, s.maxFile(who))
	if err != nil {
		return portal.File{}, err
	}
	if size == 0 {
		return portal.File{}, portal.Fail(portal.ErrInvalid, "file.empty")
	}
	f := portal.File{ID: strings.ToLower(rand.Text()), Name: policy.FileName(name), Size: size}
	content, err := s.blobs.Open(ctx, blob)
	if err != nil {
		return portal.File{}, err
	}
	f.Type, f.Width, f.Height, err = recognise(content, s.o.MaxPixels)
	if err = errors.Join(err, content.Close()); err != nil {
		return portal.File{}, portal.Fail(portal.ErrUnavailable, "file.failed").Because(err)
	}
	return f, s.store.AddFile(ctx, v.room.URI, who, f, blob)
}

// maxFile is the largest file that who may put into a room.
func (s *Service) maxFile(who portal.Address) int64 {
	if most := s.o.InForce(who).MaxFileSize; most > 0 {
		return min(most, s.o.MaxFile)
	}
	return s.o.MaxFile
}

// OpenFile gives a file of a message that who may read, or one that they have put there themselves, with its content,
// which the caller closes. ErrNotFound ("file.not-found"), ErrForbidden, ErrUnavailable.
func (s *Service) OpenFile(ctx context.Context, who, at portal.Address, id string) (portal.File, io.ReadSeekCloser, error) {
	_, v, err := s.reader(who, at)
	if err != nil {
		return portal.File{}, nil, err
	}
	f, by, place, blob, err := s.store.File(ctx, v.room.URI, id)
	if portal.Meaning(err) == portal.ErrNotFound || err == nil && (place == 0 && by != who || place > 0 && place < v.mine.First) {
		return portal.File{}, nil, portal.Fail(portal.ErrNotFound, "file.not-found").Because(err)
	}
	if err != nil {
		return portal.File{}, nil, err
	}
	content, err := s.blobs.Open(ctx, blob)
	if err != nil {
		return portal.File{}, nil, err
	}
	return f, content, nil
}
