package web

import (
	"strconv"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

const (
	// maxQueryLen is the longest search text, in characters.
	maxQueryLen      = 100
	defaultDirectory = 20
	maxDirectory     = 100
)

var aboutDirectory = operation{
	summary: "Search the address book by the beginning of a name, an e-mail or an address",
	params: []param{
		{name: "q", in: "query", schema: "Query", about: "what to look for"},
		{name: "limit", in: "query", schema: "Limit", about: "the most entries to answer with"},
	},
	answers: []answer{{status: 200, schema: "Person", list: true}},
	errors:  []int{400},
}

func (s *Server) apiDirectory(c echo.Context) error {
	q := c.QueryParam("q")
	if !utf8.ValidString(q) || utf8.RuneCountInString(q) > maxQueryLen {
		return portal.Fail(portal.ErrInvalid, "directory.query")
	}
	limit, err := limitParam(c, defaultDirectory, maxDirectory)
	if err != nil {
		return err
	}
	found, err := s.Directory.Search(c.Request().Context(), q, limit)
	if err != nil {
		return err
	}
	return s.people(c, found)
}

// limitParam reads ?limit=: a number from 1, at most the most that is given at a time.
func limitParam(c echo.Context, normal, most int) (int, error) {
	text := c.QueryParam("limit")
	if text == "" {
		return normal, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, portal.Fail(portal.ErrInvalid, "limit")
	}
	return min(n, most), nil
}
