package web

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/calendar"
	"portico/app/portal"
)

// The calendar's files for programs: attachments, iCalendar in and out, the private address to subscribe to. What a page offers as a
// download is the same here: exportCalendar, exportAppointment, downloadFile, responsesCSV, responsesCalendar.

// Media types of bodies that are not JSON.
const (
	formType  = "multipart/form-data"
	icalType  = "text/calendar"
	csvType   = "text/csv"
	bytesType = "application/octet-stream"
)

var fileParam = param{name: "file", in: "path", schema: "Text", about: "the attachment's id, percent-encoded"}

// asked refuses a body of another media type than a call takes.
func asked(c echo.Context, media string) error {
	kind, _, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	if err != nil || kind != media {
		return failStatus(http.StatusUnsupportedMediaType, "media-type")
	}
	return nil
}

var aboutAttachments = operation{
	summary: "An appointment's files, without their bytes", params: []param{idParam, ofParam},
	answers: []answer{{status: 200, schema: "Attachment", list: true}}, errors: []int{400, 404},
}

func (s *Server) apiAttachments(c echo.Context) error {
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	a, err := s.Calendar.Get(c.Request().Context(), me, of, id)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, s.appointmentJSON(s.catalogue(c), a).Attachments)
}

var aboutAttach = operation{
	summary: "Add a file, at most 10 MB, to an appointment; of an occurrence's id to its series", params: []param{idParam, ofParam}, body: "FileForm", bodyType: formType,
	answers: []answer{{status: 201, schema: "Appointment", about: "the appointment with the file"}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiAttach(c echo.Context) error {
	if err := asked(c, formType); err != nil {
		return err
	}
	name, contentType, data, err := uploaded(c, calendar.MaxAttachment)
	if err != nil {
		return err
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	a, err := s.Calendar.Attach(c.Request().Context(), me, of, id, name, contentType, data)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusCreated, s.appointmentJSON(s.catalogue(c), a))
}

var aboutDownload = operation{
	summary: "One file of an appointment", params: []param{idParam, fileParam, ofParam},
	answers: []answer{{status: 200, schema: "Bytes", media: bytesType, about: "its bytes, whatever they are"}}, errors: []int{400, 404},
}

var aboutDetach = operation{
	summary: "Take a file of an appointment away", params: []param{idParam, fileParam, ofParam},
	answers: []answer{{status: 200, schema: "Appointment", about: "the appointment without it"}}, errors: []int{400, 404, 409},
}

func (s *Server) apiDetach(c echo.Context) error {
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	file, err := pathText(c, "file")
	if err != nil {
		return err
	}
	a, err := s.Calendar.Detach(c.Request().Context(), me, of, id, file)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, s.appointmentJSON(s.catalogue(c), a))
}

var (
	aboutExport = operation{
		summary: "A stretch of a calendar, at most a year, as iCalendar; series whole",
		params: []param{{name: "from", in: "query", schema: "Date", about: "the first day"}, {name: "to", in: "query", schema: "Date", about: "the day after the last"},
			ofParam},
		answers: []answer{{status: 200, schema: "ICalendar", media: icalType, about: "an iCalendar file (RFC 5545)"}}, errors: []int{400, 404},
	}
	aboutExportOne = operation{
		summary: "One appointment, of a series all of it, as iCalendar", params: []param{idParam, ofParam},
		answers: []answer{{status: 200, schema: "ICalendar", media: icalType, about: "an iCalendar file (RFC 5545)"}}, errors: []int{400, 404},
	}
	aboutResponsesCSV = operation{
		summary: "The overview of answers as a table, a row for each invited person; filters as for the overview", params: aboutOverview.params,
		answers: []answer{{status: 200, schema: "CSV", media: csvType, about: "a table (RFC 4180), words in the person's language"}}, errors: []int{400},
	}
	aboutResponsesCalendar = operation{
		summary: "The meetings of the overview as iCalendar; filters as for the overview", params: aboutOverview.params,
		answers: []answer{{status: 200, schema: "ICalendar", media: icalType, about: "an iCalendar file (RFC 5545)"}}, errors: []int{400},
	}
)

type importedJSON struct {
	Added   int           `json:"added"`
	Present int           `json:"present"`
	Refused []refusalJSON `json:"refused"`
}

type refusalJSON struct {
	Subject  string `json:"subject"`
	Error    string `json:"error"`
	ErrorKey string `json:"error_key"`
}

var aboutImport = operation{
	summary: "Add what an iCalendar file, at most 8 MB, holds to the person's own calendar. Nobody is mailed; what is there already is not added again",
	body:    "ICalendar", bodyType: icalType,
	answers: []answer{{status: 200, schema: "Imported"}}, errors: []int{400, 413, 415},
}

func (s *Server) apiImport(c echo.Context) error {
	if err := asked(c, icalType); err != nil {
		return err
	}
	data, err := io.ReadAll(c.Request().Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return err
	case err != nil:
		return portal.Fail(portal.ErrInvalid, "calendar.import").Because(err)
	case len(data) > calendar.MaxImport:
		return failStatus(http.StatusRequestEntityTooLarge, "too-large")
	case len(bytes.TrimSpace(data)) == 0:
		return portal.Fail(portal.ErrInvalid, "calendar.import")
	}
	result, err := s.Calendar.Import(c.Request().Context(), s.person(c), data)
	if err != nil {
		return err
	}
	out := importedJSON{Added: result.Added, Present: result.Present, Refused: []refusalJSON{}}
	for _, x := range result.Refused {
		out.Refused = append(out.Refused, refusalJSON{Subject: x.Subject, Error: sentence(s.catalogue(c), x.Reason, nil), ErrorKey: x.Reason})
	}
	return s.json(c, http.StatusOK, out)
}

// linkJSON is the private address; Address only in the answer that made it.
type linkJSON struct {
	Address   string    `json:"address,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"used_at,omitzero"`
}

var (
	aboutLink = operation{
		summary: "Since when the person's calendar has a private address to subscribe to; the address itself is told once, when it is made",
		answers: []answer{{status: 200, schema: "CalendarLink"}}, errors: []int{404},
	}
	aboutMakeLink = operation{
		summary: "Make a private address to subscribe to, in place of the one before",
		answers: []answer{{status: 201, schema: "CalendarLink", about: "whoever knows the address reads the calendar, without what is private"}},
	}
	aboutRevokeLink = operation{summary: "End the private address", answers: []answer{{status: 204, about: "there is none any more"}}}
)

func (s *Server) apiLink(c echo.Context) error { return s.answerLink(c, http.StatusOK, "") }

func (s *Server) answerLink(c echo.Context, status int, address string) error {
	link, err := s.Calendar.Link(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	return s.json(c, status, linkJSON{Address: address, CreatedAt: link.CreatedAt, UsedAt: link.UsedAt})
}

func (s *Server) apiMakeLink(c echo.Context) error {
	token, err := s.Calendar.NewLink(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	return s.answerLink(c, http.StatusCreated, s.publicBase(c)+subscribePath(token))
}

func (s *Server) apiRevokeLink(c echo.Context) error {
	if err := s.Calendar.RevokeLink(c.Request().Context(), s.person(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
