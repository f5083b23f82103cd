// Package blobs keeps the contents of files on disk under the name of their content, so that one is whole or not
// there at all, and is kept once however often it comes.
package blobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"portico/app/portal"
)

// keep is how long a blob that nobody names stays: its file may just be on its way into a message.
const keep = 24 * time.Hour

// Store is a folder of blobs: two levels, named by the SHA-256 of the content in hexadecimal. Its methods may be
// called from any goroutine.
type Store struct {
	dir string
	now func() time.Time
	// mu makes finding a blob there and renewing its age one step, against Sweep's look and removal.
	mu sync.Mutex
}

// Open makes the folder where it is missing. Now is the clock; nil: the system's.
func Open(dir string, now func() time.Time) (*Store, error) {
	if now == nil {
		now = time.Now
	}
	if err := os.MkdirAll(filepath.Join(dir, incoming), 0o700); err != nil {
		return nil, fmt.Errorf("blobs: %w", err)
	}
	return &Store{dir: dir, now: now}, nil
}

// incoming is the folder of what is not whole yet.
const incoming = "incoming"

// Put reads r to its end and gives the content's name and size in bytes. More than max bytes: ErrInvalid
// ("file.too-large", with the limit as argument "Max"), of which nothing is kept. An error of r comes back as it
// is; a disk that cannot keep it is ErrUnavailable ("file.failed"). When it returns, the content is on disk.
func (s *Store) Put(ctx context.Context, r io.Reader, max int64) (blob string, size int64, err error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, incoming), "blob-*")
	if err != nil {
		return "", 0, failed(err)
	}
	defer func() {
		if f != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	sum := sha256.New()
	w := &writer{w: io.MultiWriter(f, sum)}
	size, err = io.Copy(w, io.LimitReader(&reader{ctx: ctx, r: r}, max+1))
	if w.err != nil {
		return "", 0, failed(w.err)
	}
	if err != nil {
		return "", 0, err
	}
	if size > max {
		return "", 0, portal.Fail(portal.ErrInvalid, "file.too-large").With("Max", fmt.Sprint(max))
	}
	if err := f.Sync(); err != nil {
		return "", 0, failed(err)
	}
	name, whole := f.Name(), f
	f = nil
	if err := whole.Close(); err != nil {
		return "", 0, failed(errors.Join(err, os.Remove(name)))
	}
	blob = hex.EncodeToString(sum.Sum(nil))
	if err := s.settle(name, blob); err != nil {
		return "", 0, failed(err)
	}
	return blob, size, nil
}

// settle gives a whole file its lasting name, or drops it where the content is there already.
func (s *Store) settle(name, blob string) error {
	path := s.path(blob)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := os.Lstat(path); err == nil {
		now := s.now()
		return errors.Join(os.Chtimes(path, now, now), os.Remove(name))
	}
	now := s.now()
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.Chtimes(name, now, now))
	if err == nil {
		err = os.Rename(name, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return errors.Join(syncDir(filepath.Dir(path)), syncDir(s.dir))
}

// Open gives the content; ErrNotFound ("file.not-found") where there is none of this name.
func (s *Store) Open(_ context.Context, blob string) (io.ReadSeekCloser, error) {
	if !named(blob) {
		return nil, portal.Fail(portal.ErrNotFound, "file.not-found")
	}
	f, err := os.Open(s.path(blob))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, portal.Fail(portal.ErrNotFound, "file.not-found").Because(err)
	case err != nil:
		return nil, failed(err)
	}
	return f, nil
}

// Sweep removes the blobs that are older than a day and of which used says that nobody names them, and what a
// process that ended left half written. It goes on after a blob that cannot be removed and gives all such errors;
// an error of used ends it.
func (s *Store) Sweep(ctx context.Context, used func(ctx context.Context, blob string) (bool, error)) (removed int, freed int64, err error) {
	var faults []error
	walk := func(path string, d fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if d.IsDir() {
			return nil
		}
		size, fault, err := s.sweepOne(ctx, path, used)
		if fault != nil {
			faults = append(faults, fault)
		}
		if size >= 0 {
			removed++
			freed += size
		}
		return err
	}
	err = filepath.WalkDir(s.dir, walk)
	return removed, freed, errors.Join(append(faults, err)...)
}

// sweepOne removes the file at path if it is nobody's; size is -1 where it stays. Only err ends the sweep.
func (s *Store) sweepOne(ctx context.Context, path string, used func(context.Context, string) (bool, error)) (size int64, fault, err error) {
	dir, blob := filepath.Split(path)
	part := filepath.Base(dir) == incoming
	if !part && !named(blob) {
		return -1, nil, nil // not ours
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && s.now().Sub(info.ModTime()) < keep {
		return -1, nil, nil
	}
	if err != nil {
		return -1, err, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !part {
		if is, err := used(ctx, blob); err != nil || is {
			return -1, nil, err
		}
	}
	// Somebody may have put the same content while used was looking.
	if info, err = os.Lstat(path); err != nil || s.now().Sub(info.ModTime()) < keep {
		return -1, nil, nil
	}
	if err := os.Remove(path); err != nil {
		return -1, err, nil
	}
	return info.Size(), nil, nil
}

func (s *Store) path(blob string) string { return filepath.Join(s.dir, blob[:2], blob) }

// named reports whether blob can be the name of one: it goes into a path.
func named(blob string) bool {
	return len(blob) == 2*sha256.Size && strings.Trim(blob, "0123456789abcdef") == ""
}

func failed(err error) error { return portal.Fail(portal.ErrUnavailable, "file.failed").Because(err) }

// syncDir makes a rename last. Windows has no such thing for folders and needs none.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// writer remembers its own error, so that the disk's fault is told from the sender's.
type writer struct {
	w   io.Writer
	err error
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		w.err = err
	}
	return n, err
}
