package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"portico/app/portal"
)

// MaxIncoming is the largest request that is read, in bytes.
const MaxIncoming = 4 << 20

// maxDepth bounds how deep an incoming document may be nested.
const maxDepth = 32

// Incoming is a change that a program outside sent.
type Incoming struct {
	// Endpoint is who sent it, ID its webhook-id: a repeat changes nothing.
	Endpoint, ID string
	// Private: it may know the texts of private appointments.
	Private bool
	// Kind is "appointment", "person", "company" or "user", Change what happened to it.
	Kind   string
	Change portal.Change
	// Data is the record, as JSON.
	Data json.RawMessage
}

// kinds are what an endpoint can change.
func kinds() []string { return []string{"appointment", "person", "company", "user"} }

// Read verifies a request and reads what it says. An endpoint is found by its signature; nothing of the body is looked at before. One that
// only hears of changes is ErrForbidden.
func (s *Service) Read(ctx context.Context, h http.Header, body io.Reader) (Incoming, error) {
	data, err := io.ReadAll(io.LimitReader(body, MaxIncoming+1))
	if err != nil {
		return Incoming{}, portal.Fail(portal.ErrInvalid, "hook.body").Because(err)
	}
	if len(data) > MaxIncoming {
		return Incoming{}, portal.Fail(portal.ErrInvalid, "hook.large")
	}
	endpoints, err := s.store.HookEndpoints(ctx)
	if err != nil {
		return Incoming{}, err
	}
	refused := error(portal.Fail(portal.ErrUnauthenticated, "hook.signature"))
	for _, e := range endpoints {
		secret, err := s.o.Open(e.Secret)
		if err != nil {
			s.o.Logger.Error("a webhook's secret cannot be opened", "endpoint", e.Name, "error", err)
			continue
		}
		id, err := Verify(h, secret, data, s.o.Now())
		if err != nil {
			refused = err
			continue
		}
		if !e.Active {
			return Incoming{}, portal.Fail(portal.ErrForbidden, "hook.inactive")
		}
		if !e.MayWrite() {
			return Incoming{}, portal.Fail(portal.ErrForbidden, "hook.read-only")
		}
		in, err := parse(data)
		in.Endpoint, in.ID, in.Private = e.ID, id, e.Private
		return in, err
	}
	return Incoming{}, refused
}

// parse reads the body of a verified request.
func parse(data []byte) (Incoming, error) {
	bad := func(cause error) (Incoming, error) {
		return Incoming{}, portal.Fail(portal.ErrInvalid, "hook.body").Because(cause)
	}
	if err := shallow(data); err != nil {
		return bad(err)
	}
	var msg struct {
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(data, &msg); err != nil {
		return bad(err)
	}
	kind, change, _ := strings.Cut(msg.Type, ".")
	in := Incoming{Kind: kind, Change: portal.Change(change), Data: msg.Data}
	if !slices.Contains(kinds(), kind) || !slices.Contains([]portal.Change{portal.Created, portal.Updated, portal.Deleted}, in.Change) {
		return Incoming{}, portal.Fail(portal.ErrInvalid, "hook.type").With("type", clip(msg.Type))
	}
	if !bytes.HasPrefix(bytes.TrimSpace(msg.Data), []byte("{")) {
		return bad(errors.New("data is no object"))
	}
	return in, nil
}

// shallow refuses documents that are nested too deep, before anything is built from them.
func shallow(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	depth := 0
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if d, ok := tok.(json.Delim); ok {
			if d == '{' || d == '[' {
				depth++
			} else {
				depth--
			}
			if depth > maxDepth {
				return errors.New("nested too deep")
			}
		}
	}
}

// clip shortens what somebody outside wrote for a message about it.
func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
