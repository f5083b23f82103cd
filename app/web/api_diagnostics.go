package web

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"portico/app/diagnosis"
	"portico/app/portal"
)

// The API of diagnosis: what is known of the person's connections, their log of problems, and the trace of their own traffic.

func (s *Server) diagnosticCalls() []call {
	return []call{
		{http.MethodGet, "/diagnostics", person, s.apiFacts, aboutFacts},
		{http.MethodGet, "/diagnostics/events", watched, s.apiIncidents, aboutIncidents},
		{http.MethodGet, "/diagnostics/trace", watched, s.apiTrace, aboutTrace},
		{http.MethodPost, "/diagnostics/trace", watched, s.apiStartTrace, aboutStartTrace},
		{http.MethodDelete, "/diagnostics/trace", watched, s.apiStopTrace, aboutStopTrace},
		{http.MethodGet, "/diagnostics/trace.txt", watched, s.traceFile, aboutTraceFile},
	}
}

var (
	aboutFacts     = operation{summary: "What the portal knows of the person's connections, address books and policies", answers: []answer{{status: 200, schema: "DiagnosticFacts"}}}
	aboutIncidents = operation{
		summary: "The log of sign-in and connection problems, newest first; administrators may read anybody's, which is logged",
		params: []param{
			{name: "before", in: "query", schema: "Seq", about: "lines before this number; left out: from the newest"}, {name: "limit", in: "query", schema: "Limit", about: "how many lines at most (50)"},
			{name: "who", in: "query", schema: "IncidentsOf", about: `whose log, for administrators; "everybody": that of all people; left out: one's own`},
		},
		answers: []answer{{status: 200, schema: "Incident", list: true}}, errors: []int{400},
	}
	aboutTrace      = operation{summary: "The person's own SIP and Exchange traffic as far as it was caught, oldest first; secrets, the texts of messages and the presence of others are not in it", answers: []answer{{status: 200, schema: "Trace"}}}
	aboutStartTrace = operation{summary: "Switch the trace on for 5, 15 or 30 minutes", body: "TraceStart", answers: []answer{{status: 200, schema: "TraceState"}}, errors: []int{400, 413, 415}}
	aboutStopTrace  = operation{
		summary: "Switch the trace off; what it caught can be read for a while",
		params:  []param{{name: "forget", in: "query", schema: "Flag", about: "true: what it caught goes too"}}, answers: []answer{{status: 204, about: "it is off"}}, errors: []int{400},
	}
	aboutTraceFile = operation{summary: "The trace as text", answers: []answer{{status: 200, schema: "TraceText", media: "text/plain"}}}
)

// factsJSON is the configuration information for programs.
type factsJSON struct {
	URI     portal.Address `json:"uri"`
	Version string         `json:"version"`
	// Connections is how many live connections the person has.
	Connections int                    `json:"connections"`
	Line        *portal.LineFacts      `json:"line,omitempty"`
	LineState   portal.LineEvent       `json:"line_state"`
	Exchange    []portal.ExchangeFacts `json:"exchange"`
	Contacts    *portal.ContactsFacts  `json:"contacts,omitempty"`
	Books       []portal.BookState     `json:"books"`
	Policies    []portal.Decision      `json:"policies"`
}

func (s *Server) apiFacts(c echo.Context) error {
	ctx, who := c.Request().Context(), s.person(c)
	out := factsJSON{
		URI: who, Connections: s.Hub.Online(who), LineState: s.Account.LineState(who),
		Exchange: []portal.ExchangeFacts{}, Books: []portal.BookState{}, Policies: []portal.Decision{},
	}
	if s.Facts != nil {
		known, err := s.Facts(ctx, who)
		if err != nil {
			return err
		}
		out.Version, out.Line, out.Contacts = known.Version, known.Line, &known.Contacts
		out.Exchange = append(out.Exchange, known.Exchange...)
		if out.Line != nil && out.Line.Subscriptions == nil {
			line := *out.Line
			line.Subscriptions = []portal.SubscriptionFact{}
			out.Line = &line
		}
	}
	if s.Books != nil {
		me, err := s.me(c)
		if err != nil {
			return err
		}
		out.Books = append(out.Books, booksFor(s.reader(c), me, s.Books.States())...)
	}
	if s.Policies != nil {
		decided, err := s.Policies.Effective(ctx, who)
		if err != nil {
			return err
		}
		out.Policies = append(out.Policies, decided...)
	}
	return s.json(c, http.StatusOK, out)
}

// incidentJSON is a line of the log with its cause and cure in words.
type incidentJSON struct {
	portal.Incident
	URI  portal.Address `json:"uri"`
	Text string         `json:"text"`
	Cure string         `json:"cure,omitempty"`
}

// everybody asks for the log of all people.
const everybody = "everybody"

func (s *Server) apiIncidents(c echo.Context) error {
	before, err := wholeNumber(c.QueryParam("before"), 0)
	if err != nil {
		return err
	}
	limit, err := limitParam(c, defaultMessages, maxMessages)
	if err != nil {
		return err
	}
	who, err := s.incidentsOf(c)
	if err != nil {
		return err
	}
	lines, err := s.Diagnosis.Incidents(c.Request().Context(), who, before, limit)
	if err != nil {
		return err
	}
	r := s.reader(c)
	out := make([]incidentJSON, len(lines))
	for i, l := range lines {
		out[i] = incidentJSON{Incident: l, URI: l.Who, Text: r.CauseText(l), Cure: r.CureOf(l)}
	}
	return s.json(c, http.StatusOK, out)
}

// incidentsOf is whose log is asked for. Somebody else's is for administrators, and logged.
func (s *Server) incidentsOf(c echo.Context) (portal.Address, error) {
	own, text := s.person(c), c.QueryParam("who")
	var who portal.Address
	if text != "" && text != everybody {
		var err error
		if who, err = portal.ParseAddress(text); err != nil {
			return "", err
		}
	}
	if text == "" || who == own {
		return own, nil
	}
	me, err := s.me(c)
	if err != nil {
		return "", err
	}
	if !slices.Contains(me.Roles, portal.RoleAdmin) {
		return "", portal.Fail(portal.ErrForbidden, "forbidden")
	}
	return who, s.lookedInto(c, who)
}

// traceJSON is the trace with what it caught.
type traceJSON struct {
	diagnosis.TraceState
	Traffic []portal.Traffic `json:"traffic"`
}

func (s *Server) apiTrace(c echo.Context) error {
	who := s.person(c)
	return s.json(c, http.StatusOK, traceJSON{s.Diagnosis.Traced(who), append([]portal.Traffic{}, s.Diagnosis.Lines(who)...)})
}

func (s *Server) apiStartTrace(c echo.Context) error {
	var in struct {
		Minutes int64 `json:"minutes"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	state, err := s.startTrace(c, in.Minutes)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, state)
}

// apiStopTrace ends the trace; what it caught is there for a while, unless it is to be forgotten.
func (s *Server) apiStopTrace(c echo.Context) error {
	switch c.QueryParam("forget") {
	case "", "false":
		s.stopTrace(c)
	case "true":
		s.forgetTrace(c)
	default:
		return portal.Fail(portal.ErrInvalid, "policies.what")
	}
	return c.NoContent(http.StatusNoContent)
}
