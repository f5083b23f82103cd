package directory

// Pictures of people, fetched when they are asked for and kept in memory for a while, also that there is none.

import (
	"bytes"
	"container/list"
	"context"
	"slices"
	"sync"
	"time"

	"portico/app/portal"
)

const (
	// MaxPhoto is the largest picture that is passed on, in bytes.
	MaxPhoto = 1 << 20
	// maxPhotoBytes and maxPhotos bound what is kept; what was not asked for longest goes first.
	maxPhotoBytes = 32 << 20
	maxPhotos     = 20_000
	// photoFor is how long a picture is kept, noPhotoFor that there is none, awayFor that a source did not answer.
	photoFor   = time.Hour
	noPhotoFor = 15 * time.Minute
	awayFor    = 30 * time.Second
	// photoTime bounds the search for one picture; at most photoPlaces are under way.
	photoTime   = 15 * time.Second
	photoPlaces = 8
)

// PhotoPath is where the portal shows somebody's picture.
func PhotoPath(a portal.Address) string { return "/photos/" + a.Path() }

// photos is the pictures in memory.
type photos struct {
	mu       *sync.Mutex
	kept     map[portal.Address]*list.Element
	order    *list.List // of *photo, the last asked for first
	bytes    *int
	underway map[portal.Address]chan struct{}
	places   chan struct{}
}

// photo is one answer: a picture, or why there is none.
type photo struct {
	of          portal.Address
	data        []byte
	contentType string
	err         error
	until       time.Time
}

func newPhotos() photos {
	return photos{mu: new(sync.Mutex), kept: map[portal.Address]*list.Element{}, order: list.New(), bytes: new(int),
		underway: map[portal.Address]chan struct{}{}, places: make(chan struct{}, photoPlaces)}
}

// Photo is the picture of somebody in the address book (PNG, JPEG, GIF or WebP by its content, at most MaxPhoto), from memory
// or from the first source that has one. data is not to be changed. ErrNotFound "directory.photo" where there is none,
// ErrUnavailable where the source that might have one does not answer.
func (s *Service) Photo(ctx context.Context, a portal.Address) (data []byte, contentType string, err error) {
	person, listed := s.index.Load().person(a)
	if !listed { // nobody can have servers asked for whoever they like, nor fill the memory
		return nil, "", noPhoto()
	}
	for {
		if p, ok := s.photos.get(a, s.o.Now()); ok {
			return p.data, p.contentType, p.err
		}
		mine, others := s.photos.claim(a)
		if mine {
			p, err := s.fetchPhoto(ctx, a, person)
			s.photos.done(a, p, err == nil)
			if err != nil {
				return nil, "", err
			}
			return p.data, p.contentType, p.err
		}
		select {
		case <-others: // their answer is kept now, or it is our turn
		case <-ctx.Done():
			return nil, "", portal.Fail(portal.ErrUnavailable, "directory.unavailable").Because(ctx.Err())
		}
	}
}

// fetchPhoto asks the sources. The error says that the asker left, so that nothing is known.
func (s *Service) fetchPhoto(ctx context.Context, a portal.Address, p portal.Person) (*photo, error) {
	select {
	case s.photos.places <- struct{}{}:
		defer func() { <-s.photos.places }()
	case <-ctx.Done():
		return nil, portal.Fail(portal.ErrUnavailable, "directory.unavailable").Because(ctx.Err())
	}
	within, cancel := context.WithTimeout(ctx, photoTime)
	defer cancel()
	var away error
	for _, from := range s.photosOf(p) {
		data, _, err := from.Photo(within, p)
		if ctx.Err() != nil {
			return nil, portal.Fail(portal.ErrUnavailable, "directory.unavailable").Because(ctx.Err())
		}
		if err == nil {
			if contentType := sniff(data); contentType != "" && len(data) <= MaxPhoto {
				return &photo{of: a, data: data, contentType: contentType, until: s.o.Now().Add(photoFor)}, nil
			}
			s.o.Logger.DebugContext(ctx, "picture not passed on", "of", a, "bytes", len(data))
			continue
		}
		if portal.Meaning(err) != portal.ErrNotFound {
			away = err
		}
	}
	if away != nil {
		s.o.Logger.WarnContext(ctx, "picture not fetched", "of", a, "err", away)
		return &photo{of: a, err: portal.Fail(portal.ErrUnavailable, "directory.unavailable").Because(away), until: s.o.Now().Add(awayFor)}, nil
	}
	return &photo{of: a, err: noPhoto(), until: s.o.Now().Add(noPhotoFor)}, nil
}

func noPhoto() error { return portal.Fail(portal.ErrNotFound, "directory.photo") }

// photosOf is who may have a picture of somebody, in the order in which they are asked.
func (s *Service) photosOf(p portal.Person) []Photos {
	var all []Photos
	for i, source := range s.sources {
		if s.pictures[i] != nil && slices.Contains(p.Sources, source.Name()) {
			all = append(all, s.pictures[i])
		}
	}
	if s.o.Photos != nil && !p.Group {
		all = append(all, s.o.Photos)
	}
	return all
}

// get is what is kept of somebody and not too old.
func (c photos) get(a portal.Address, now time.Time) (*photo, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.kept[a]
	if !ok {
		return nil, false
	}
	p := e.Value.(*photo)
	if !now.Before(p.until) {
		c.forget(e)
		return nil, false
	}
	c.order.MoveToFront(e)
	return p, true
}

// claim makes the caller the one who fetches a picture; else others is closed when those who do are done.
func (c photos) claim(a portal.Address) (mine bool, others <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if done, ok := c.underway[a]; ok {
		return false, done
	}
	c.underway[a] = make(chan struct{})
	return true, nil
}

// done ends a claim, with an answer to keep where there is one.
func (c photos) done(a portal.Address, p *photo, keep bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.underway[a])
	delete(c.underway, a)
	if !keep {
		return
	}
	if e, ok := c.kept[a]; ok {
		c.forget(e)
	}
	c.kept[a] = c.order.PushFront(p)
	*c.bytes += len(p.data)
	for c.order.Len() > maxPhotos || *c.bytes > maxPhotoBytes {
		c.forget(c.order.Back())
	}
}

func (c photos) forget(e *list.Element) {
	p := c.order.Remove(e).(*photo)
	delete(c.kept, p.of)
	*c.bytes -= len(p.data)
}

// sniff is the type of a picture by its content; empty for anything but PNG, JPEG, GIF and WebP.
func sniff(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case bytes.HasPrefix(data, []byte("GIF87a")), bytes.HasPrefix(data, []byte("GIF89a")):
		return "image/gif"
	case len(data) >= 12 && bytes.HasPrefix(data, []byte("RIFF")) && string(data[8:12]) == "WEBP":
		return "image/webp"
	}
	return ""
}
