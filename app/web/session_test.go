package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const someToken = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO-_"

func TestWhereTheTokenComesFrom(t *testing.T) {
	other := strings.Repeat("z", tokenLen)
	for _, test := range []struct {
		name          string
		authorization string
		cookies       []string
		token         string
		bearer        bool
	}{
		{name: "nothing"},
		{name: "cookie", cookies: []string{someToken}, token: someToken},
		{name: "bearer", authorization: "Bearer " + someToken, token: someToken, bearer: true},
		{name: "bearer in lower case", authorization: "bearer  " + someToken, token: someToken, bearer: true},
		{name: "bearer before cookie", authorization: "Bearer " + someToken, cookies: []string{other}, token: someToken, bearer: true},
		{name: "a broken bearer does not fall back to the cookie", authorization: "Bearer x", cookies: []string{other}, bearer: true},
		{name: "other schemes are not ours", authorization: "Basic " + someToken, cookies: []string{other}, token: other},
		{name: "too short", cookies: []string{"x"}},
		{name: "too long", cookies: []string{someToken + "x"}},
		{name: "odd bytes", cookies: []string{strings.Repeat("'", tokenLen)}},
		{name: "the first good one of two", cookies: []string{"x", someToken, other}, token: someToken},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			if test.authorization != "" {
				r.Header.Set("Authorization", test.authorization)
			}
			for _, value := range test.cookies {
				r.AddCookie(&http.Cookie{Name: "portico", Value: value})
			}
			token, bearer := requestToken(r, "portico")
			if token != test.token || bearer != test.bearer {
				t.Errorf("got %q, %v", token, bearer)
			}
		})
	}
}

func TestOnlyOwnPathsAreTargets(t *testing.T) {
	for next, want := range map[string]string{
		"":                              "/",
		"/":                             "/",
		"/contacts":                     "/contacts",
		"/chat/sip%3Abob%40x.test?a":    "/chat/sip%3Abob%40x.test?a",
		"/chat/x?before=3":              "/chat/x?before=3",
		"//evil.test":                   "/",
		"///evil.test":                  "/",
		"/\\evil.test":                  "/",
		"\\\\evil.test":                 "/",
		"https://evil.test":             "/",
		"javascript:alert(1)":           "/",
		"contacts":                      "/",
		"/\tevil":                       "/",
		"/%0d%0aSet-Cookie:x":           "/%0d%0aSet-Cookie:x",
		"/\r\nSet-Cookie:x":             "/",
		"/signin":                       "/",
		"/signout":                      "/",
		"/" + strings.Repeat("a", 2000): "/",
	} {
		if got := relativeTarget(next); got != want {
			t.Errorf("relativeTarget(%q) = %q, want %q", next, got, want)
		}
	}
}
