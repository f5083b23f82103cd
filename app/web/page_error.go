package web

import (
	"time"

	"github.com/labstack/echo/v4"

	"portico/static"
	"portico/views"
)

// ErrorView is what an error page may say. Key is the sentence's catalogue key without its "error."
// prefix, Args fill it; RequestID is for the operator.
type ErrorView struct {
	Status     int
	Key        string
	Args       map[string]string
	RetryAfter time.Duration
	RequestID  string
}

// showError answers with the error page, or with the sentence alone where a part of a page was asked for.
// It is called for every request that is not of the API and must not fail for want of a session or of storage.
func (s *Server) showError(c echo.Context, status int, v ErrorView) error {
	r := s.reader(c)
	sentence := r.Sentence(v.Key, withWait(r, v.Args, v.RetryAfter))
	if partial(c) {
		return s.render(c, status, views.ProblemFragment(sentence))
	}
	page := views.ProblemPage{Reader: r, Status: status, Sentence: sentence}
	if status >= 500 {
		page.Reference = v.RequestID
	}
	return s.render(c, status, views.ProblemView(page))
}

// reader is for whom this request's answer is rendered.
func (s *Server) reader(c echo.Context) views.Reader {
	r := s.readerOf(s.audience(c))
	if shared := s.dictionaries.of(r.Locale()); shared != nil {
		r.Shared = static.Prefix + shared.asset.Served
	}
	return r
}

// partial reports whether the page's script asks for a part of a page.
func partial(c echo.Context) bool { return c.Request().Header.Get("HX-Request") == "true" }

// withWait adds to a sentence's arguments how long to wait before the next try.
func withWait(r views.Reader, args map[string]string, wait time.Duration) map[string]string {
	out := map[string]string{"wait": r.Text("time.a-moment")}
	if wait > 0 {
		out["wait"] = r.Wait(wait)
	}
	for name, value := range args {
		out[name] = value
	}
	return out
}
