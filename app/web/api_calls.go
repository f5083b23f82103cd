package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// The API of calls and voice mail: what the page /calls does.

// callCalls is the part of the route table that is about calls and voice mail.
func (s *Server) callCalls() []call {
	return []call{
		{http.MethodGet, "/calls", callers, s.apiCalls, aboutCalls},
		{http.MethodPost, "/calls/seen", callers, s.apiSeeCalls, aboutSeeCalls},
		{http.MethodDelete, "/calls/:id", callers, s.apiDeleteCall, aboutDeleteCall},
		{http.MethodGet, "/voicemail", callers, s.apiVoicemail, aboutVoicemail},
		{http.MethodGet, "/voicemail/:id/audio", callers, s.recording, aboutRecording},
		{http.MethodPut, "/voicemail/:id", callers, s.apiHearVoicemail, aboutHearVoicemail},
		{http.MethodDelete, "/voicemail/:id", callers, s.apiDeleteVoicemail, aboutDeleteVoicemail},
	}
}

var (
	callParam  = param{name: "id", in: "path", schema: "Text", about: "the entry's id, percent-encoded"}
	aboutCalls = operation{
		summary: "Missed calls, conversations that began while the person was away, and calls that another device took; newest first",
		params: []param{{name: "cursor", in: "query", schema: "Text", about: "goes on where a page ended: its next"},
			{name: "limit", in: "query", schema: "Limit", about: "how many at most: 50, at most 200"}},
		answers: []answer{{status: 200, schema: "CallPage"}}, errors: []int{400},
	}
	aboutSeeCalls = operation{
		summary: "Mark entries as seen; with none named all of them", body: "SeenCalls", bodyOptional: true,
		answers: []answer{{status: 204, about: "they are seen"}}, errors: []int{400, 404, 413, 415},
	}
	aboutDeleteCall = operation{summary: "Delete an entry", params: []param{callParam}, answers: []answer{{status: 204, about: "it is deleted"}}, errors: []int{400, 404}}
	aboutVoicemail  = operation{
		summary: "The spoken messages in the person's mailbox, newest first, and what the voice mail system says waits",
		answers: []answer{{status: 200, schema: "VoicemailList"}}, errors: []int{404},
	}
	aboutRecording = operation{
		bare:    true, // a player asks for stretches of it
		summary: "The recording of a spoken message; Range asks for a stretch of it (RFC 9110 section 14)", params: []param{callParam},
		answers: []answer{
			{status: 200, schema: "Bytes", media: "audio/*", about: "the audio, in the format that its bytes have"}, {status: 206, schema: "Bytes", media: "audio/*", about: "the stretch that was asked for"},
			{status: 304, about: "the one that is known is still right"}, {status: 416, about: "the stretch lies outside of it"},
		},
		errors: []int{400, 404},
	}
	aboutHearVoicemail = operation{
		summary: "Mark a spoken message as heard or not", params: []param{callParam}, body: "VoicemailChange",
		answers: []answer{{status: 204, about: "it is marked"}}, errors: []int{400, 404, 413, 415},
	}
	aboutDeleteVoicemail = operation{summary: "Delete a spoken message from the mailbox", params: []param{callParam}, answers: []answer{{status: 204, about: "it is deleted"}}, errors: []int{400, 404}}
)

func (s *Server) apiCalls(c echo.Context) error {
	limit, err := limitOf(c, callsLimit)
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	list, next, err := s.Calls.List(ctx, who, c.QueryParam("cursor"), min(limit, 200))
	if err != nil {
		return err
	}
	unseen, _, err := s.Calls.Counts(ctx, who)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, struct {
		Calls  []portal.Call `json:"calls"`
		Unseen int           `json:"unseen"`
		Next   string        `json:"next,omitempty"`
	}{listed(list), unseen, next})
}

func (s *Server) apiSeeCalls(c echo.Context) error {
	var in struct {
		IDs []string `json:"ids"`
	}
	if err := optionalBody(c, &in); err != nil {
		return err
	}
	if err := s.Calls.See(c.Request().Context(), s.person(c), in.IDs); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiDeleteCall(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	if err := s.Calls.Delete(c.Request().Context(), s.person(c), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiVoicemail(c echo.Context) error {
	list, waiting, err := s.Calls.Voicemails(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, struct {
		Voicemail []portal.Voicemail `json:"voicemail"`
		Waiting   portal.Waiting     `json:"waiting"`
	}{listed(list), waiting})
}

func (s *Server) apiHearVoicemail(c echo.Context) error {
	var in struct {
		Heard *bool `json:"heard"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	if in.Heard == nil {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "heard")
	}
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	if err := s.Calls.Heard(c.Request().Context(), s.person(c), id, *in.Heard); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiDeleteVoicemail(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	if err := s.Calls.DeleteVoicemail(c.Request().Context(), s.person(c), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
