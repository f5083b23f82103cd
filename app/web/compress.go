package web

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"portico/static"
)

const (
	// compressFrom is the smallest answer worth compressing, in bytes.
	compressFrom = 1024
	// brotliQuality makes a page a quarter smaller than gzip does, in about the same time; more hardly gains anything.
	brotliQuality = 5
)

// packer packs one answer; packing is a way to do it: begin starts an answer into w, keep takes the packer back when it is closed.
type packer interface {
	io.WriteCloser
	Flush() error
}

type packing struct {
	coding static.Encoding
	begin  func(w io.Writer) (packer, error)
	keep   func(packer)
}

// brotliPacking is the way for all who take brotli.
func brotliPacking() packing {
	packers := &sync.Pool{New: func() any { return brotli.NewWriterLevel(io.Discard, brotliQuality) }}
	return packing{
		coding: static.Brotli,
		begin: func(w io.Writer) (packer, error) {
			b, ok := packers.Get().(*brotli.Writer)
			if !ok {
				return nil, errors.New("brotli: no packer")
			}
			b.Reset(w)
			return b, nil
		},
		keep: func(p packer) {
			if b, ok := p.(*brotli.Writer); ok {
				b.Reset(io.Discard)
				packers.Put(b)
			}
		},
	}
}

// compress packs answers where the browser takes it: pages with what it has of them already, else with brotli, and else with
// gzip; but not streams and those that carry a fresh token.
func (s *Server) compress() echo.MiddlewareFunc {
	unpacked := func(c echo.Context) bool {
		p := c.Path()
		return p == apiPrefix+"/events" || p == apiPrefix+"/session" || p == "/ws"
	}
	plainly := brotliPacking()
	gzip := middleware.GzipWithConfig(middleware.GzipConfig{MinLength: compressFrom, Skipper: unpacked})
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		plain := gzip(next)
		return func(c echo.Context) error {
			if unpacked(c) || !slices.Contains(codings(c.Request().Header.Get("Accept-Encoding")), static.Brotli) {
				return plain(c)
			}
			res := c.Response()
			res.Header().Add("Vary", "Accept-Encoding")
			w := &packed{ResponseWriter: res.Writer, choose: func(mediaType string) packing {
				if strings.HasPrefix(mediaType, "text/html") {
					res.Header().Add("Vary", "Available-Dictionary")
					if known := s.dictionaries.had(c.Request().Header); known != nil {
						return known.packing()
					}
				}
				return plainly
			}}
			res.Writer = w
			defer func() { res.Writer = w.ResponseWriter }()
			err := next(c)
			if err != nil && w.status == 0 {
				return err // answered further out
			}
			if closed := w.close(); err == nil {
				err = closed
			}
			return err
		}
	}
}

// packed holds an answer back until it is long enough to be worth packing, or has ended.
type packed struct {
	http.ResponseWriter
	choose  func(mediaType string) packing
	status  int
	held    []byte
	packing packing
	packer  packer
	plain   bool // it goes out as it is
}

// Unwrap lets http.ResponseController find what is below.
func (p *packed) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *packed) WriteHeader(status int) {
	if p.status != 0 {
		return
	}
	p.status = status
	h := p.Header()
	if status < 200 || status == http.StatusNoContent || status == http.StatusNotModified || status == http.StatusPartialContent ||
		h.Get("Content-Encoding") != "" || !packs(h.Get("Content-Type")) {
		p.pass()
	}
}

// packs reports whether content of the type gets smaller: text does, pictures and sound are packed already.
func packs(mediaType string) bool {
	kind, _, _ := strings.Cut(mediaType, ";")
	return mediaType == "" || strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "xml") || strings.HasSuffix(kind, "javascript")
}

// pass sends what there is as it is, and what comes too.
func (p *packed) pass() {
	p.plain = true
	p.ResponseWriter.WriteHeader(p.status)
}

func (p *packed) Write(b []byte) (int, error) {
	if p.status == 0 {
		p.WriteHeader(http.StatusOK)
	}
	if p.plain {
		return p.ResponseWriter.Write(b)
	}
	if p.packer != nil {
		return p.packer.Write(b)
	}
	p.held = append(p.held, b...)
	if len(p.held) < compressFrom {
		return len(b), nil
	}
	h := p.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", http.DetectContentType(p.held))
	}
	p.packing = p.choose(h.Get("Content-Type"))
	h.Set("Content-Encoding", string(p.packing.coding))
	h.Del("Content-Length")
	p.ResponseWriter.WriteHeader(p.status)
	var err error
	if p.packer, err = p.packing.begin(p.ResponseWriter); err != nil {
		return 0, err
	}
	if _, err := p.packer.Write(p.held); err != nil {
		return 0, err
	}
	p.held = nil
	return len(b), nil
}

// Flush sends what is there now, and with it what is still too short to be worth packing.
func (p *packed) Flush() {
	if p.packer == nil && !p.plain && p.status != 0 {
		p.pass()
		_, _ = p.ResponseWriter.Write(p.held) // a reader who is gone is noticed by the next write
		p.held = nil
	}
	if p.packer != nil {
		_ = p.packer.Flush()
	}
	_ = http.NewResponseController(p.ResponseWriter).Flush()
}

// close sends what is left.
func (p *packed) close() error {
	if p.packer != nil {
		err := p.packer.Close()
		p.packing.keep(p.packer)
		return err
	}
	if p.plain || p.status == 0 {
		return nil
	}
	p.pass()
	if len(p.held) == 0 {
		return nil
	}
	_, err := p.ResponseWriter.Write(p.held)
	return err
}
