// Package static holds what browsers fetch besides pages: style, script, icons, sound and help. Everything is
// embedded, compressed once when it is first asked for, and served under names that contain a hash of the content, so that a browser may
// keep it for ever.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
)

//go:embed css embed js icons sound help vendor manifest.webmanifest
var files embed.FS

// Prefix is the URL path under which assets are served.
const Prefix = "/static/"

// Encoding is a content coding of RFC 9110 in which an asset is kept.
type Encoding string

// The codings an asset can be asked for. Identity is always there.
const (
	Identity Encoding = ""
	Gzip     Encoding = "gzip"
	Brotli   Encoding = "br"
)

// Asset is one file as it is served.
type Asset struct {
	// Name is its name in the tree, Served the name with the hash in it.
	Name, Served string
	// Type is its media type with charset where it is text.
	Type string
	// ETag is the strong validator of the identity form, quotes included.
	ETag string
	body []byte
	// packed are the body's smaller forms, each made when it is first asked for; nil where it is no smaller.
	packed map[Encoding]func() []byte
}

// Body is the asset in the first of the wanted codings it is kept in, else as it is.
func (a *Asset) Body(wanted ...Encoding) ([]byte, Encoding) {
	for _, e := range wanted {
		if b := a.in(e); b != nil {
			return b, e
		}
	}
	return a.body, Identity
}

// Size is the number of bytes of the asset in that coding; 0 if it is not kept in it.
func (a *Asset) Size(e Encoding) int { return len(a.in(e)) }

// in is the asset in that coding, nil if it is not kept in it.
func (a *Asset) in(e Encoding) []byte {
	if e == Identity {
		return a.body
	}
	if packed := a.packed[e]; packed != nil {
		return packed()
	}
	return nil
}

// manifest is every asset by its name and by its served name.
type manifest struct {
	byName, byServed map[string]*Asset
}

// assets reads the tree once, at the first use.
var assets = sync.OnceValue(func() manifest {
	m, err := build(files)
	if err != nil {
		panic("static: " + err.Error()) // only a broken build can bring this about
	}
	return m
})

// Path is the URL path of the named asset ("css/portico.css"), hash included. A name that does not exist
// is a mistake in the program and panics.
func Path(name string) string {
	a, ok := assets().byName[name]
	if !ok {
		panic("static: no asset " + name)
	}
	return Prefix + a.Served
}

// Find gives the asset that is served under name (without Prefix): "css/portico.3f9Xk2aB.css".
func Find(served string) (*Asset, bool) {
	a, ok := assets().byServed[served]
	return a, ok
}

// Names lists the assets in order, for tests and tools.
func Names() []string {
	names := make([]string, 0, len(assets().byName))
	for name := range assets().byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Lookup gives an asset by its name in the tree.
func Lookup(name string) (*Asset, bool) {
	a, ok := assets().byName[name]
	return a, ok
}

// Page is the text of a help page ("help/start.en.md") as it stands in the tree.
func Page(name string) ([]byte, error) { return files.ReadFile(name) }

func build(tree fs.FS) (manifest, error) {
	m := manifest{byName: map[string]*Asset{}, byServed: map[string]*Asset{}}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(name, "help/") || strings.HasPrefix(name, "js/") {
			return err
		}
		body, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		if name == manifestName {
			body = m.linked(body)
		}
		if strings.HasPrefix(name, "css/") {
			if body, err = minified("text/css", body); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		m.add(name, body)
		return nil
	})
	if err != nil {
		return m, err
	}
	for name, mark := range scripts() {
		script, err := bundle(tree, mark)
		if err != nil {
			return m, err
		}
		m.add(name, script)
	}
	return m, nil
}

// manifestName is the web app's manifest. It names icons as they stand in the tree, which is walked in order: they are
// there before it.
const manifestName = "manifest.webmanifest"

// linked is a text with the paths in place of the quoted names of assets.
func (m manifest) linked(body []byte) []byte {
	for name, a := range m.byName {
		body = bytes.ReplaceAll(body, []byte(`"`+name+`"`), []byte(`"`+Prefix+a.Served+`"`))
	}
	return body
}

// Filled is an asset of the tree with the one place that says mark replaced, for what is only known when the portal runs.
func Filled(name, mark, filling string) (*Asset, error) {
	a, ok := Lookup(name)
	if !ok || bytes.Count(a.body, []byte(mark)) != 1 {
		return nil, fmt.Errorf("%s: there is no one place %q", name, mark)
	}
	return newAsset(name, bytes.Replace(a.body, []byte(mark), []byte(filling), 1)), nil
}

// New is an asset that is made while the portal runs and stands in no tree.
func New(name string, body []byte) *Asset { return newAsset(name, body) }

func (m manifest) add(name string, body []byte) {
	a := newAsset(name, body)
	m.byName[name], m.byServed[a.Served] = a, a
}

func newAsset(name string, body []byte) *Asset {
	sum := sha256.Sum256(body)
	hash := base64.RawURLEncoding.EncodeToString(sum[:])[:10]
	ext := path.Ext(name)
	a := &Asset{
		Name: name, Served: strings.TrimSuffix(name, ext) + "." + hash + ext,
		Type: typeOf(name), ETag: `"` + hash + `"`,
		body: body,
	}
	if compressible(name) {
		a.packed = map[Encoding]func() []byte{Gzip: sync.OnceValue(a.gzip), Brotli: sync.OnceValue(a.brotli)}
	}
	return a
}

func (a *Asset) gzip() []byte {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		panic("static: " + err.Error()) // the level is one there is
	}
	return a.smaller(&packed, w)
}

func (a *Asset) brotli() []byte {
	var packed bytes.Buffer
	return a.smaller(&packed, brotli.NewWriterLevel(&packed, brotli.BestCompression))
}

// smaller is the body as w packs it, nil where that is no smaller.
func (a *Asset) smaller(packed *bytes.Buffer, w io.WriteCloser) []byte {
	_, err := w.Write(a.body)
	if err = errors.Join(err, w.Close()); err != nil {
		panic("static: " + err.Error()) // memory takes everything
	}
	if packed.Len() >= len(a.body) {
		return nil
	}
	return packed.Bytes()
}

func compressible(name string) bool { return path.Ext(name) != ".wav" && path.Ext(name) != ".png" }

// typeOf does not ask the operating system's tables where a wrong answer would stop a page from working.
func typeOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".wav":
		return "audio/wav"
	case ".webmanifest":
		return "application/manifest+json"
	case ".png":
		return "image/png"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "text/plain; charset=utf-8"
}
