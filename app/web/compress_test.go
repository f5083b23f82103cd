package web

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/labstack/echo/v4"
)

// TestPacking: what is long enough and gets smaller goes out packed and is the same unpacked, however it was written; all else
// goes out as it is.
func TestPacking(t *testing.T) {
	long := strings.Repeat("a line of a page that is long enough\n", 100)
	for name, answer := range map[string]struct {
		handler echo.HandlerFunc
		accept  string
		status  int
		coding  string
		body    string
	}{
		"long":       {func(c echo.Context) error { return c.HTML(200, long) }, "gzip, br", 200, "br", long},
		"an error":   {func(c echo.Context) error { return c.HTML(404, long) }, "gzip, br", 404, "br", long},
		"short":      {func(c echo.Context) error { return c.HTML(200, "short") }, "gzip, br", 200, "", "short"},
		"gzip alone": {func(c echo.Context) error { return c.HTML(200, long) }, "gzip", 200, "gzip", ""},
		"neither":    {func(c echo.Context) error { return c.HTML(200, long) }, "", 200, "", long},
		"in pieces": {func(c echo.Context) error {
			for piece := range strings.SplitAfterSeq(long, "\n") {
				if _, err := c.Response().Write([]byte(piece)); err != nil {
					return err
				}
			}
			return nil
		}, "br", 200, "br", long},
		"flushed while short": {func(c echo.Context) error {
			if _, err := c.Response().Write([]byte("first, ")); err != nil {
				return err
			}
			c.Response().Flush()
			_, err := c.Response().Write([]byte(long))
			return err
		}, "br", 200, "", "first, " + long},
		"flushed while long": {func(c echo.Context) error {
			if _, err := c.Response().Write([]byte(long)); err != nil {
				return err
			}
			c.Response().Flush()
			_, err := c.Response().Write([]byte("last"))
			return err
		}, "br", 200, "br", long + "last"},
		"a picture":  {func(c echo.Context) error { return c.Blob(200, "image/png", []byte(long)) }, "br", 200, "", long},
		"no content": {func(c echo.Context) error { return c.NoContent(204) }, "br", 204, "", ""},
		"packed already": {func(c echo.Context) error {
			c.Response().Header().Set("Content-Encoding", "zstd")
			return c.HTML(200, long)
		}, "br", 200, "zstd", long},
	} {
		t.Run(name, func(t *testing.T) {
			got := packedAnswer(t, answer.handler, answer.accept)
			if got.Code != answer.status || got.Header().Get("Content-Encoding") != answer.coding {
				t.Fatalf("status %d, coding %q", got.Code, got.Header().Get("Content-Encoding"))
			}
			body := got.Body.Bytes()
			if answer.coding == "br" {
				var err error
				if body, err = io.ReadAll(brotli.NewReader(bytes.NewReader(body))); err != nil {
					t.Fatal(err)
				}
				if got.Body.Len() >= len(body) || got.Header().Get("Content-Length") != "" || !strings.Contains(strings.Join(got.Header().Values("Vary"), ","), "Accept-Encoding") {
					t.Errorf("%d bytes for %d, %v", got.Body.Len(), len(body), got.Header())
				}
			}
			if answer.coding != "gzip" && string(body) != answer.body {
				t.Errorf("%d bytes came of %d", len(body), len(answer.body))
			}
		})
	}
}

// TestPackingLeavesErrorsToOthers: what fails before anything was sent is answered further out.
func TestPackingLeavesErrorsToOthers(t *testing.T) {
	wrong := errors.New("wrong")
	e := echo.New()
	c := e.NewContext(httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder())
	c.Request().Header.Set("Accept-Encoding", "br")
	err := new(Server).compress()(func(echo.Context) error { return wrong })(c)
	if !errors.Is(err, wrong) || c.Response().Committed {
		t.Errorf("%v, committed: %v", err, c.Response().Committed)
	}
}

func packedAnswer(t *testing.T, h echo.HandlerFunc, accept string) *httptest.ResponseRecorder {
	t.Helper()
	e := echo.New()
	e.GET("/page", h, new(Server).compress())
	r := httptest.NewRequest(http.MethodGet, "/page", nil)
	r.Header.Set("Accept-Encoding", accept)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}
