package web

import (
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/policy"
	"portico/app/portal"
)

// The API of custom states, of the origins of presence buttons, and of the address books.

// customStateSet is a set as it is told: with why it could not be read afresh, in words.
type customStateSet struct {
	portal.CustomStates
	Error string `json:"error,omitempty"`
}

func (s *Server) apiCustomStates(c echo.Context) error {
	sets, err := s.Policies.CustomStates(c.Request().Context())
	if err != nil {
		return err
	}
	out := make([]customStateSet, len(sets))
	r := s.reader(c)
	for i, set := range sets {
		if set.States == nil {
			set.States = []portal.CustomState{}
		}
		out[i] = customStateSet{CustomStates: set}
		if err := s.Policies.Failure(set.Source); set.Source != "" && err != nil {
			out[i].Error = strings.Join(failureSentences(r, err), " ")
		}
	}
	return s.json(c, http.StatusOK, out)
}

func (s *Server) apiPutCustomStates(c echo.Context) error {
	file, err := fileBody(c, "application/xml", policy.MaxCustomStatesSize)
	if err != nil {
		return err
	}
	if err := s.uploadStates(c, file); err != nil {
		return faultsIn(err)
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiDropCustomStates(c echo.Context) error {
	if err := s.dropStates(c); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// hasMediaType reports whether a request's body is of a media type; text/xml is XML too.
func hasMediaType(r *http.Request, want string) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && (kind == want || want == "application/xml" && kind == "text/xml")
}

func (s *Server) apiOrigins(c echo.Context) error {
	origins, err := s.Policies.Origins(c.Request().Context())
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, append([]portal.Origin{}, origins...))
}

func (s *Server) apiAllowOrigin(c echo.Context) error {
	var in struct {
		Origin string `json:"origin"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	if err := s.decideOrigin(c, "allow", in.Origin); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiRefuseOrigin(c echo.Context) error {
	if err := s.decideOrigin(c, "refuse", c.QueryParam("origin")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiBooks(c echo.Context) error {
	return s.json(c, http.StatusOK, append([]portal.BookState{}, s.Books.States()...))
}

// apiRefreshBooks answers with how they are: which one failed stands there.
func (s *Server) apiRefreshBooks(c echo.Context) error {
	if err := s.readBooks(c); err != nil {
		c.Set(failedKey, err)
	}
	return s.apiBooks(c)
}
