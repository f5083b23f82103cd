package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/static"
)

// assetPolicy is for files that are no pages: looked at by themselves they load nothing and stand in no frame.
const assetPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox"

// asset serves an embedded file under its content-hashed name: for ever the same, so cached for ever, in
// the best coding the browser takes.
func (s *Server) asset(c echo.Context) error {
	r := c.Request()
	served := strings.TrimPrefix(r.URL.Path, static.Prefix)
	h := c.Response().Header()
	found, ok := static.Find(served)
	if !ok {
		shared := s.dictionaries.find(served)
		if shared == nil {
			return echo.ErrNotFound
		}
		found = shared.asset
		h.Set("Use-As-Dictionary", dictionaryUse)
	}
	// What only pages need would be a tenth of what a first visit costs.
	h.Set("Content-Security-Policy", assetPolicy)
	for _, ofPages := range []string{"Permissions-Policy", "Cross-Origin-Opener-Policy", "X-Frame-Options"} {
		h.Del(ofPages)
	}
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", found.ETag)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("If-None-Match"), found.ETag) {
		return c.NoContent(http.StatusNotModified)
	}
	body, coding := found.Body(codings(r.Header.Get("Accept-Encoding"))...)
	if coding != static.Identity {
		h.Set("Content-Encoding", string(coding))
	}
	return c.Blob(http.StatusOK, found.Type, body)
}

// codings are the ones a browser takes, of those assets are kept in, the smaller first (RFC 9110
// section 12.5.3). A weight of zero is a refusal; other weights do not matter here.
func codings(accept string) []static.Encoding {
	takes := taken(accept)
	var out []static.Encoding
	for _, e := range []static.Encoding{static.Brotli, static.Gzip} {
		if takes[string(e)] {
			out = append(out, e)
		}
	}
	return out
}

// taken are the codings that an Accept-Encoding header takes, and with false those that it refuses.
func taken(accept string) map[string]bool {
	taken := map[string]bool{}
	for part := range strings.SplitSeq(accept, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight = strings.ReplaceAll(weight, " ", "")
		refused := strings.HasPrefix(weight, "q=0") && strings.Trim(weight[3:], ".0") == ""
		taken[strings.ToLower(strings.TrimSpace(name))] = !refused
	}
	return taken
}
