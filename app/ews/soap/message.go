package soap

import (
	"strconv"
	"strings"
	"time"
)

// The head of every response message, and how it becomes an error.

// Node is a piece of XML whose shape the schema leaves open.
type Node struct {
	Kind     string `ews:"!"`
	Name     string `ews:"@Name"`
	FieldURI string `ews:"@FieldURI"`
	Text     string `ews:"#"`
	Of       []Node `ews:"?"`
}

// ResponseMessage is the outcome of one part of a request. Class is Success, Warning or Error.
type ResponseMessage struct {
	Class   string `ews:"@ResponseClass,always"`
	Text    string `ews:"m:MessageText"`
	Code    string `ews:"m:ResponseCode"`
	LinkKey *int   `ews:"m:DescriptiveLinkKey"`
	Details []Node `ews:"m:MessageXml>?"`
}

// Err is the refusal, nil for Success and Warning. A message of neither class is taken by its code.
func (r *ResponseMessage) Err() error {
	if r.failed() {
		return r.error()
	}
	return nil
}

func (r *ResponseMessage) failed() bool {
	switch r.Class {
	case "Error":
		return true
	case "Success", "Warning":
		return false
	}
	return strings.HasPrefix(r.Code, "Error")
}

// error makes the typed error; an inner "busy" is the code that counts.
func (r *ResponseMessage) error() *ResponseError {
	e := &ResponseError{Code: r.Code, Text: r.Text, Values: values(r.Details)}
	e.settle()
	return e
}

// head lets the client look at the outcome of any message that embeds one.
func (r *ResponseMessage) head() *ResponseMessage { return r }

func values(nodes []Node) map[string]string {
	if len(nodes) == 0 {
		return nil
	}
	out := map[string]string{}
	for i := range nodes {
		collect(&nodes[i], out)
	}
	return out
}

func collect(n *Node, out map[string]string) {
	name, text := n.Kind, strings.TrimSpace(n.Text)
	if n.Name != "" {
		name = n.Name
	}
	if n.FieldURI != "" {
		text = n.FieldURI
	}
	if _, taken := out[name]; !taken && text != "" {
		out[name] = text
	}
	for i := range n.Of {
		collect(&n.Of[i], out)
	}
}

// settle fills in what follows from code and values: the back-off, the meaning and what may be
// repeated.
func (e *ResponseError) settle() {
	code := e.Code
	if inner := e.Values["InnerErrorResponseCode"]; inner == "ErrorServerBusy" && code == "ErrorInternalServerError" {
		code = inner
	}
	if ms, err := strconv.ParseInt(e.Values["BackOffMilliseconds"], 10, 64); err == nil && ms > 0 {
		e.BackOff = min(time.Duration(min(ms, maxBackOff.Milliseconds()))*time.Millisecond, maxBackOff)
	}
	if code == "" {
		return
	}
	t := treat(code)
	e.meaning, e.retry = t.meaning, t.retry
	if code != e.Code && e.retry == refused {
		e.retry = readsOnly // the server had begun before it was busy
	}
}
