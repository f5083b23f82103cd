package mailer

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A server that says back what it was told costs no secret.
func TestErrorsAreDiscreet(t *testing.T) {
	const password = `hush "hush" hush`
	m := &Mailer{o: Options{Username: "portico", Password: password}}
	for _, form := range []string{password, fmt.Sprintf("%q", password), base64.StdEncoding.EncodeToString([]byte(password)), base64.StdEncoding.EncodeToString([]byte("\x00portico\x00" + password))} {
		got := m.discreet(errors.New("535 refused: AUTH " + form + " so")).Error()
		if strings.Contains(got, strings.Trim(form, `"`)) || !strings.HasPrefix(got, "535 refused: AUTH ") || !strings.HasSuffix(got, " so") {
			t.Errorf("%s: %s", form, got)
		}
	}
	plain := errors.New("no route to host")
	if m.discreet(plain) != plain || (&Mailer{}).discreet(plain) != plain {
		t.Error("an error without a secret is another one")
	}
}
