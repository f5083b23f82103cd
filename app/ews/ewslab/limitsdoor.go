package ewslab

// The limits' door: set, read and lifted over HTTP from the same machine, for other processes and the demo.

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
)

// LimitsPath is where the limits are switched over HTTP: PUT them as JSON (an empty object: those of Exchange), GET them with what was used
// and refused since, DELETE them. Only from loopback.
const LimitsPath = "/lab/limits"

// limitsMessage is what GET answers.
type limitsMessage struct {
	Limits Limits `json:"limits"`
	Usage
}

// serveLimits is the door.
func (s *Server) serveLimits(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		http.Error(w, "only from this machine", http.StatusForbidden)
		return
	}
	switch r.Method {
	case http.MethodGet:
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(limitsMessage{s.limiter.inForce(), s.Usage()}); err != nil {
			s.log.Debug("the limits were not read", "error", err)
		}
	case http.MethodDelete:
		s.SetLimits(Limits{})
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPut:
		s.setLimitsFrom(w, r)
	default:
		w.Header().Set("Allow", "GET, PUT, DELETE")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}

func (s *Server) setLimitsFrom(w http.ResponseWriter, r *http.Request) {
	// A page of another site cannot send this type without being asked first.
	if r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "send application/json", http.StatusUnsupportedMediaType)
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<10))
	if err != nil {
		http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
		return
	}
	var l Limits
	if err := json.Unmarshal(data, &l); err != nil {
		http.Error(w, "the request is no set of limits: "+err.Error(), http.StatusBadRequest)
		return
	}
	if l == (Limits{}) {
		l = ExchangeLimits()
	}
	s.SetLimits(l)
	w.WriteHeader(http.StatusNoContent)
}
