package account

// Sealing: what keeps people registered is readable only with the key file, and only for the person it
// belongs to.

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"portico/app/portal"
)

// sealVersion is the first byte of what is sealed: XChaCha20-Poly1305, 24-byte nonce in front.
const sealVersion = 1

// maxKeyFile bounds what is read of a key file.
const maxKeyFile = 1024

// box seals and opens.
type box struct{ aead cipher.AEAD }

// openBox reads the key file, which it makes (0600, random) where there is none. It refuses a file that
// others can read, and one that holds no key.
func openBox(path string) (*box, error) {
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeKey(path); err == nil {
			key, err = readKey(path)
		}
	}
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return &box{aead}, nil
}

func readKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("key file %s is no regular file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("key file %s can be read or written by others (mode %04o): chmod 600 it, and have people sign in anew if somebody may have read it", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != chacha20poly1305.KeySize {
		return nil, fmt.Errorf("key file %s does not hold a key (%d bytes in hexadecimal)", path, chacha20poly1305.KeySize)
	}
	return key, nil
}

// makeKey writes a new key beside path and links it to its name, so that nobody ever sees half a key
// and of two processes that start together one wins.
func makeKey(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".new-*")
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // its other name stays
	key := make([]byte, chacha20poly1305.KeySize)
	if _, err := rand.Read(key); err != nil {
		return errors.Join(fmt.Errorf("key file: %w", err), f.Close())
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("key file: %w", err)
	}
	return nil
}

// seal hides secret for who.
func (b *box) seal(who portal.Address, secret []byte) ([]byte, error) {
	out := make([]byte, 1+chacha20poly1305.NonceSizeX, 1+chacha20poly1305.NonceSizeX+len(secret)+b.aead.Overhead())
	out[0] = sealVersion
	nonce := out[1:]
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return b.aead.Seal(out, nonce, secret, bound(who)), nil
}

// errSealed: it was sealed with another key, for somebody else, or damaged since.
var errSealed = errors.New("sealed with another key or damaged")

// open gives what was sealed for who.
func (b *box) open(who portal.Address, sealed []byte) ([]byte, error) {
	if len(sealed) < 1+chacha20poly1305.NonceSizeX || sealed[0] != sealVersion {
		return nil, errSealed
	}
	secret, err := b.aead.Open(nil, sealed[1:1+chacha20poly1305.NonceSizeX], sealed[1+chacha20poly1305.NonceSizeX:], bound(who))
	if err != nil {
		return nil, errSealed
	}
	return secret, nil
}

// bound ties what is sealed to its person and purpose.
func bound(who portal.Address) []byte { return []byte("portico line\x00" + string(who)) }

// Seal hides a secret of the portal's own (a server's password, a webhook's key) for a purpose; what is sealed for one is nothing
// for another.
func (s *Service) Seal(purpose string, secret []byte) ([]byte, error) {
	return s.box.seal(ownSecret(purpose), secret)
}

// Open gives what was sealed for a purpose.
func (s *Service) Open(purpose string, sealed []byte) ([]byte, error) {
	return s.box.open(ownSecret(purpose), sealed)
}

// ownSecret is a purpose in the place of a person; no address is written like that.
func ownSecret(purpose string) portal.Address { return portal.Address("purpose " + purpose) }
