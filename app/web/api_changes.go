package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/calendar"
	"portico/app/portal"
	"portico/views/catalogue"
)

// What has not reached the calendar server, and the words that appointments cannot be called.

// unsentJSON is what of one appointment waits or was refused.
type unsentJSON struct {
	ID          string             `json:"id"`
	Calendar    portal.Address     `json:"calendar"`
	State       string             `json:"state"`
	Appointment appointmentJSON    `json:"appointment"`
	Changes     []unsentChangeJSON `json:"changes"`
}

type unsentChangeJSON struct {
	Kind       portal.IntentKind         `json:"kind"`
	State      string                    `json:"state"`
	Error      string                    `json:"error"`
	ErrorKey   string                    `json:"error_key,omitempty"`
	MadeAt     time.Time                 `json:"made_at"`
	Occurrence time.Time                 `json:"occurrence,omitzero"`
	Was        *appointmentJSON          `json:"was,omitempty"`
	Wanted     *portal.AppointmentChange `json:"wanted,omitempty"`
	Response   portal.Response           `json:"response,omitempty"`
	Comment    string                    `json:"comment,omitempty"`
	Propose    portal.Proposal           `json:"propose,omitzero"`
	To         []portal.Attendee         `json:"to,omitempty"`
}

var aboutUnsent = operation{
	summary: "The person's changes that wait for the calendar server or that it refused, wherever in time and in whose calendar they lie; " +
		"an appointment's are sent once more or given up by its own calls retry and discard, with this id and calendar",
	answers: []answer{{status: 200, schema: "UnsentChange", list: true}},
}

func (s *Server) apiUnsent(c echo.Context) error {
	list, err := s.Calendar.Unsent(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	words := s.catalogue(c)
	out := make([]unsentJSON, len(list))
	for i, u := range list {
		out[i] = unsentJSON{ID: u.Appointment.ID, Calendar: u.Appointment.Calendar, State: u.State, Appointment: s.appointmentJSON(words, u.Appointment)}
		for _, ch := range u.Changes {
			out[i].Changes = append(out[i].Changes, s.unsentChangeJSON(words, ch))
		}
	}
	return s.json(c, http.StatusOK, out)
}

func (s *Server) unsentChangeJSON(words *catalogue.Catalogue, ch calendar.UnsentChange) unsentChangeJSON {
	out := unsentChangeJSON{Kind: ch.Kind, State: ch.State, ErrorKey: ch.Reason, MadeAt: ch.MadeAt, Occurrence: ch.Occurrence, Wanted: ch.Wanted,
		Response: ch.Response, Comment: ch.Comment, Propose: ch.Proposal, To: ch.To}
	if ch.Reason != "" {
		out.Error = sentence(words, ch.Reason, nil)
	}
	if ch.Was != nil {
		was := s.appointmentJSON(words, *ch.Was)
		out.Was = &was
	}
	return out
}

// ownWords are the words that stand in addresses where an appointment's id could.
func ownWords(e *echo.Echo) map[string]bool {
	words := map[string]bool{}
	for _, r := range e.Routes() {
		for _, prefix := range []string{"/calendar/", apiPrefix + "/appointments/"} {
			if word, ok := strings.CutPrefix(r.Path, prefix); ok && !strings.ContainsAny(word, "/:") {
				words[word] = true
			}
		}
	}
	return words
}

// nameable refuses an id under which an appointment could not be asked for, since the address that it would have means something else.
func (s *Server) nameable(id string) error {
	if s.words[id] {
		return portal.Fail(portal.ErrInvalid, "appointment.id-reserved")
	}
	return nil
}
