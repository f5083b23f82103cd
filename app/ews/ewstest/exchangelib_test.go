package ewstest

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestReadSteps(t *testing.T) {
	steps, finished, err := readSteps([]byte(`{"step":"a","ok":true,"facts":{"n":1},"seconds":0.5}` + "\n" + `{"step":"b","ok":false,"error":"why"}` + "\n"))
	if err != nil || finished || len(steps) != 2 {
		t.Fatalf("%v, finished %v, %v", steps, finished, err)
	}
	if !steps[0].OK || steps[0].Facts["n"] != 1.0 || steps[1].OK || steps[1].Error != "why" {
		t.Errorf("read as %v", steps)
	}
	if _, finished, err := readSteps([]byte(`{"step":"","ok":true}`)); err != nil || !finished {
		t.Errorf("the end: finished %v, %v", finished, err)
	}
	if _, _, err := readSteps([]byte("Traceback (most recent call last)")); err == nil {
		t.Error("what is no JSON is taken")
	}
}

func TestTheTaskOfARound(t *testing.T) {
	e := Endpoint{URL: "http://127.0.0.1:1/EWS/Exchange.asmx", Domain: "other.test", Service: "svc", Secret: "s"}
	data, err := json.Marshal(ExchangelibOptions{Delegate: "-", Steps: []string{"create"}}.task(e))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"domain":"other.test"`, `"password":"portico"`, `"delegate":""`, `"room":"studio1@other.test"`, `"list":"sales@other.test"`, `"steps":["create"]`, `"people":true`, `"service":"svc"`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in %s", want, data)
		}
	}
}

// A step that the script does not know ends the round before it talks to anybody.
func TestTheScriptStarts(t *testing.T) {
	task, err := json.Marshal(ExchangelibOptions{Steps: []string{"no_such_step"}}.task(Endpoint{URL: "http://127.0.0.1:1/", Password: "p"}))
	if err != nil {
		t.Fatal(err)
	}
	needExchangelib(t)
	p, steps := runExchangelib(t, task)
	if p.err == nil || len(steps) != 0 || !strings.Contains(p.output(), "unknown steps: {'no_such_step'}") {
		t.Errorf("ended with %v, said %s, complained %s", p.err, steps, p.output())
	}
}
