package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad: whatever the file and one variable hold, Load gives a configuration or faults that name
// a place, never both, and never panics; what it accepts has a listing that it accepts again.
func FuzzLoad(f *testing.F) {
	var reference bytes.Buffer
	if err := WriteReference(&reference); err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][2]string{
		{reference.String(), "PORTICO_HTTP_LISTEN=127.0.0.1:0"},
		{"[http]\nlisten = \"x\"", "PORTICO_EWS_SERVER_0_PASSWORD=x"},
		{"[[ews.server]]\nname = '''a\nb'''\npassword_file = \"/dev/null\"", "PORTICO_EWS_SERVER_1_NAME="},
		{"ews.server = [{name = \"a\", impersonate = false}, {impersonate = false}]", "PORTICO_="},
		{"http = {listen = \"127.0.0.1:1\"}\n\"sip\".\"domain\" = 'x.test'", "PORTICO_SIGNIN_ADMINS=,,a@b"},
		{"[sip]\nresume_rate = 1e400", "PORTICO_SIP_RESUME_RATE=NaN"},
		{"a = [[[[[[", "PORTICO_TEST_X=1"},
		{"[http]\n[http]", "=PORTICO"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, env string) {
		if strings.ContainsRune(env, 0) {
			t.Skip("no environment holds a zero byte")
		}
		path := filepath.Join(t.TempDir(), "portico.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, []string{env})
		if (c == nil) == (err == nil) {
			t.Fatalf("Load = %v, %v", c, err)
		}
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || len(e.Faults) == 0 {
				t.Fatalf("not an *Error with faults: %v", err)
			}
			for _, fault := range e.Faults {
				if fault.Text == "" || (fault.Key == "" && fault.Source == (Source{})) {
					t.Fatalf("a fault without text or place: %+v", fault)
				}
			}
			return
		}
		single := 0 // keys that are there without any [[ews.server]]
		for _, o := range options() {
			if !o.repeated() {
				single++
			}
		}
		if len(c.Redacted()) < single {
			t.Fatalf("the listing has only %d keys", len(c.Redacted()))
		}
	})
}
