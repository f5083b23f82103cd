package ewslab

// The switchboard's door: faults set, listed and lifted over HTTP from the same machine, for other processes and the demo.

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"time"
)

// FaultsPath is where faults are set over HTTP: POST one as JSON, GET the list, DELETE all. Only from loopback.
const FaultsPath = "/lab/faults"

// faultMessage is a fault as JSON; durations are milliseconds.
type faultMessage struct {
	Number    int       `json:"number,omitempty"`
	Kind      FaultKind `json:"kind"`
	Operation string    `json:"operation,omitempty"`
	Mailbox   string    `json:"mailbox,omitempty"`
	ForMS     int64     `json:"for_ms,omitempty"`
	Count     int       `json:"count,omitempty"`
	BackOffMS int64     `json:"back_off_ms,omitempty"`
	DelayMS   int64     `json:"delay_ms,omitempty"`
	Code      string    `json:"code,omitempty"`
	Struck    int       `json:"struck"`
}

func (f faultMessage) fault() Fault {
	return Fault{Kind: f.Kind, Operation: f.Operation, Mailbox: f.Mailbox, For: time.Duration(f.ForMS) * time.Millisecond, Count: f.Count,
		BackOff: time.Duration(f.BackOffMS) * time.Millisecond, Delay: time.Duration(f.DelayMS) * time.Millisecond, Code: f.Code}
}

// serveFaults is the door.
func (s *Server) serveFaults(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		http.Error(w, "only from this machine", http.StatusForbidden)
		return
	}
	switch r.Method {
	case http.MethodGet:
		s.listFaults(w)
	case http.MethodDelete:
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPost:
		s.setFaultFrom(w, r)
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}

func (s *Server) setFaultFrom(w http.ResponseWriter, r *http.Request) {
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
	var f faultMessage
	if err := json.Unmarshal(data, &f); err != nil {
		http.Error(w, "the request is no fault: "+err.Error(), http.StatusBadRequest)
		return
	}
	if _, err := s.Fault(f.fault()); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) listFaults(w http.ResponseWriter) {
	s.faults.mu.Lock()
	list := []faultMessage{}
	for _, o := range s.faults.set {
		list = append(list, faultMessage{Number: o.number, Kind: o.Kind, Operation: o.Operation, Mailbox: o.Mailbox, ForMS: o.For.Milliseconds(), Count: o.Count,
			BackOffMS: o.BackOff.Milliseconds(), DelayMS: o.Delay.Milliseconds(), Code: o.Code, Struck: o.struck})
	}
	s.faults.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(list); err != nil {
		s.log.Debug("the list of faults was not read", "error", err)
	}
}
