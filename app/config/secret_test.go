package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretsFromFiles(t *testing.T) {
	file := write(t, "password", "from file\r\n")
	other := write(t, "other", "another\n\n")
	const block = "[[ews.server]]\nusername = \"u\"\n"
	for _, e := range []struct {
		name, toml string
		env        []string
		want       string
	}{
		{"toml twin", block + "password_file = " + quote(file), nil, "from file"},
		{"one newline is dropped", block + "password_file = " + quote(other), nil, "another\n"},
		{"environment twin", block, []string{"PORTICO_EWS_SERVER_0_PASSWORD_FILE=" + file}, "from file"},
		{"environment twin over toml", block + "password = \"toml\"", []string{"PORTICO_EWS_SERVER_0_PASSWORD_FILE=" + file}, "from file"},
		{"environment over toml twin", block + "password_file = \"/does/not/exist\"", []string{"PORTICO_EWS_SERVER_0_PASSWORD=env"}, "env"},
		{"environment twin over toml twin", block + "password_file = \"/does/not/exist\"", []string{"PORTICO_EWS_SERVER_0_PASSWORD_FILE=" + file}, "from file"},
	} {
		if got := load(t, e.toml, e.env...).EWS.Server[0].Password.Reveal(); got != e.want {
			t.Errorf("%s: password %q, want %q", e.name, got, e.want)
		}
	}
}

func TestFaultySecretFiles(t *testing.T) {
	file := write(t, "password", "x")
	empty := write(t, "empty", "\n")
	big := write(t, "big", strings.Repeat("x", maxSecret+1))
	const block = "[[ews.server]]\nusername = \"u\"\n"
	for _, e := range []struct {
		name, toml string
		env        []string
		key        string
	}{
		{"both in the file", block + "password = \"p\"\npassword_file = " + quote(file), nil, "ews.server[0].password"},
		{"both in the environment", block, []string{"PORTICO_EWS_SERVER_0_PASSWORD=p", "PORTICO_EWS_SERVER_0_PASSWORD_FILE=" + file}, "ews.server[0].password"},
		{"missing", block + "password_file = \"/does/not/exist\"", nil, "ews.server[0].password_file"},
		{"empty", block + "password_file = " + quote(empty), nil, "ews.server[0].password_file"},
		{"large", block + "password_file = " + quote(big), nil, "ews.server[0].password_file"},
		{"folder", block + "password_file = " + quote(t.TempDir()), nil, "ews.server[0].password_file"},
		{"no name", block, []string{"PORTICO_EWS_SERVER_0_PASSWORD_FILE="}, "ews.server[0].password_file"},
		{"not a secret", block + "password = \"p\"\nname_file = \"x\"", nil, "ews.server[0].name_file"},
		{"gap", block + "password = \"p\"", []string{"PORTICO_EWS_SERVER_4_NAME=x"}, "ews.server[4].name"},
	} {
		if got := faults(t, e.toml, e.env...); got[0].Key != e.key {
			t.Errorf("%s: faults %v, want one of %s first", e.name, got, e.key)
		}
	}
}

func TestNoSecretIsEverShown(t *testing.T) {
	const secret = "hunter2"
	c := load(t, "[[ews.server]]\nusername = \"u\"\npassword = \""+secret+"\"\n[sip]\ncheck_password = \""+secret+"\"")
	if c.EWS.Server[0].Password.Reveal() != secret || c.SIP.CheckPassword.Reveal() != secret {
		t.Fatal("the secret did not arrive")
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("configuration", "config", c, "server", c.EWS.Server[0], "password", c.EWS.Server[0].Password)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.Join([]string{log.String(), string(encoded), c.String(), fmt.Sprint(c.Redacted()),
		fmt.Sprintf("%v %+v %#v %v", c.EWS, c.EWS, c.EWS, c.SIP)}, "\n")
	if strings.Contains(shown, secret) {
		t.Errorf("the secret shows in:\n%s", shown)
	}
	if !strings.Contains(c.String(), `ews.server[0].password = "(set)"`) {
		t.Errorf("the listing does not say that the password is set:\n%s", c)
	}
	if !strings.Contains(log.String(), "ews.server[0].username") || strings.Contains(log.String(), "http.listen") {
		t.Errorf("the log should show what is not default, and only that: %s", log.String())
	}
}

func TestListingSaysWhereAValueCameFrom(t *testing.T) {
	c := load(t, "[http]\nlisten = \"127.0.0.1:1\"\n", "PORTICO_LOG_LEVEL=debug")
	got := map[string]Entry{}
	for _, e := range c.Redacted() {
		got[e.Key] = e
	}
	if e := got["http.listen"]; e.Source.Line != 2 || e.Value != `"127.0.0.1:1"` {
		t.Errorf("http.listen: %+v", e)
	}
	if e := got["log.level"]; e.Source.Env != "PORTICO_LOG_LEVEL" {
		t.Errorf("log.level: %+v", e)
	}
	if e := got["log.format"]; e.Source.String() != "default" {
		t.Errorf("log.format: %+v", e)
	}
}

// What is named like a secret is one that hides itself, and the other way round; a truth value holds none.
func TestSecretsAreSecretByNameAndByType(t *testing.T) {
	c := &Config{EWS: EWS{Server: make([]EWSServer, 1)}}
	keys := map[string]bool{}
	for _, key := range SecretKeys() {
		keys[key] = true
	}
	for _, o := range options() {
		_, hides := o.at(c, 0).(*Secret)
		_, truth := o.at(c, 0).(*bool)
		named := !truth && (strings.HasSuffix(o.key, "password") || strings.HasSuffix(o.key, "secret"))
		if named != hides || hides != keys[o.key] {
			t.Errorf("%s: named like a secret: %v, hides itself: %v, listed: %v", o.key, named, hides, keys[o.key])
		}
	}
	if len(keys) < 7 {
		t.Errorf("secrets: %v", SecretKeys())
	}
}
