package web

import (
	"maps"

	"github.com/labstack/echo/v4"

	"portico/views/catalogue"
)

// catalogue is the texts in the language of a request's reader.
func (s *Server) catalogue(c echo.Context) *catalogue.Catalogue {
	return s.Languages.For(s.audience(c).Locale)
}

// sentence is what people read for a reason ("signin.wrong").
func sentence(words *catalogue.Catalogue, reason string, args map[string]string) string {
	return words.Sentence(reason, args)
}

// explain says a failure in the reader's words, with how long to wait where the sentence has a place for it.
func explain(words *catalogue.Catalogue, f failure) string {
	args := maps.Clone(f.args)
	if args == nil {
		args = map[string]string{}
	}
	if _, said := args["wait"]; !said {
		args["wait"] = words.Text("time.a-moment")
		if f.retryAfter > 0 {
			args["wait"] = words.Wait(f.retryAfter) // whole seconds, and never none
		}
	}
	return words.Sentence(f.reason, args)
}
