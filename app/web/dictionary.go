package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"portico/static"
	"portico/views"
	"portico/views/catalogue"
)

// Pages have much in common: a browser that keeps that (Compression Dictionary Transport, RFC 9842) is then sent only what
// differs, two kilobytes where it were five. The browser asks for the dictionary when it has nothing else to do; one that
// does not know of it never does.

const (
	// sharedZstd is the coding of what is packed with a dictionary (RFC 9842 section 5).
	sharedZstd static.Encoding = "dcz"
	// dictionaryUse says what the dictionary is for: pages, and the parts of them that scripts ask for.
	dictionaryUse = `match="/*", match-dest=("document" "")`
	// dictionaryWindow is how far back a packed page may refer, in bytes: over itself and into the dictionary.
	dictionaryWindow = 256 << 10
)

// dictionary is what pages in one language have in common.
type dictionary struct {
	asset *static.Asset
	// hash is how a browser says that it has it: a byte sequence of structured fields (RFC 9651 section 3.3.5).
	hash string
	// head goes before each answer that is packed with it.
	head    []byte
	packers sync.Pool // of *zstd.Encoder
}

// dictionaries are those of all languages, each made when the first page in it is.
type dictionaries struct {
	made map[string]func() *dictionary
}

func newDictionaries(languages *catalogue.Set, log *slog.Logger) dictionaries {
	d := dictionaries{made: map[string]func() *dictionary{}}
	for _, locale := range languages.Locales() {
		d.made[locale] = sync.OnceValue(func() *dictionary {
			made, err := newDictionary(languages.For(locale))
			if err != nil {
				log.Error("pages are sent without a dictionary", "language", locale, "error", err)
				return nil
			}
			return made
		})
	}
	return d
}

func newDictionary(c *catalogue.Catalogue) (*dictionary, error) {
	body, err := views.Specimen(context.Background(), c)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	d := &dictionary{
		asset: static.New("pages/"+c.Locale()+".txt", body),
		hash:  ":" + base64.StdEncoding.EncodeToString(sum[:]) + ":",
		head:  append([]byte{0x5e, 0x2a, 0x4d, 0x18, 0x20, 0, 0, 0}, sum[:]...),
	}
	fresh := func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderDictRaw(0, body), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(dictionaryWindow), zstd.WithLowerEncoderMem(true))
	}
	first, err := fresh()
	if err != nil {
		return nil, fmt.Errorf("dictionary: %w", err)
	}
	d.packers.New = func() any {
		packer, err := fresh()
		if err != nil {
			return nil // the first of the same kind was made
		}
		return packer
	}
	d.packers.Put(first)
	return d, nil
}

// of is the dictionary of pages in that language; nil: there is none.
func (d dictionaries) of(locale string) *dictionary {
	if made := d.made[locale]; made != nil {
		return made()
	}
	return nil
}

// find is the one that is served under that name.
func (d dictionaries) find(served string) *dictionary {
	locale, _, _ := strings.Cut(strings.TrimPrefix(served, "pages/"), ".")
	if found := d.of(locale); found != nil && found.asset.Served == served {
		return found
	}
	return nil
}

// had is the one that a browser says it has and can unpack with; nil: none, or one of another release.
func (d dictionaries) had(h http.Header) *dictionary {
	hash := h.Get("Available-Dictionary")
	if hash == "" || !taken(h.Get("Accept-Encoding"))[string(sharedZstd)] {
		return nil
	}
	for _, made := range d.made {
		if found := made(); found != nil && found.hash == hash {
			return found
		}
	}
	return nil
}

// packing packs answers with the dictionary.
func (d *dictionary) packing() packing {
	return packing{coding: sharedZstd, begin: func(w io.Writer) (packer, error) {
		z, ok := d.packers.Get().(*zstd.Encoder)
		if !ok {
			return nil, errors.New("dictionary: no packer")
		}
		if _, err := w.Write(d.head); err != nil {
			return nil, err
		}
		z.Reset(w)
		return z, nil
	}, keep: func(used packer) { d.packers.Put(used) }}
}
