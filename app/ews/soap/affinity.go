package soap

import (
	"container/list"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"
)

// Affinity: the cookies by which a front end finds the same back end again, one jar for each
// anchor mailbox.

// maxJars bounds the anchors remembered; the one not used for longest is forgotten, which costs a
// detour at the server.
const maxJars = 4096

type jars struct {
	url *url.URL

	mu    sync.Mutex
	known map[string]*list.Element
	order *list.List // of *jarEntry, the latest used first
}

type jarEntry struct {
	key string
	jar *cookiejar.Jar
}

func newJars(u *url.URL) *jars {
	return &jars{url: u, known: map[string]*list.Element{}, order: list.New()}
}

// of gives the jar of an anchor and the account that uses it, nil where there is no anchor.
func (j *jars) of(anchor, account string) *cookiejar.Jar {
	if anchor == "" {
		return nil
	}
	key := account + "\x00" + anchor
	j.mu.Lock()
	defer j.mu.Unlock()
	if e, ok := j.known[key]; ok {
		j.order.MoveToFront(e)
		return e.Value.(*jarEntry).jar
	}
	jar, err := cookiejar.New(nil)
	if err != nil { // cannot be: there are no options
		return nil
	}
	j.known[key] = j.order.PushFront(&jarEntry{key, jar})
	if j.order.Len() > maxJars {
		last := j.order.Back()
		j.order.Remove(last)
		delete(j.known, last.Value.(*jarEntry).key)
	}
	return jar
}

// anchor is the mailbox that a call is routed by.
func (as As) anchor() string {
	if as.Anchor != "" {
		return as.Anchor
	}
	return as.Impersonate
}

func (as As) account() string {
	if as.Credentials != nil {
		return as.Credentials.User
	}
	return ""
}

// route puts the headers and cookies of the call's affinity onto the request.
func (j *jars) route(r *http.Request, as As) {
	anchor := as.anchor()
	if anchor != "" {
		r.Header.Set("X-AnchorMailbox", anchor)
	}
	if as.Affinity {
		r.Header.Set("X-PreferServerAffinity", "true")
	}
	if jar := j.of(anchor, as.account()); jar != nil {
		for _, c := range jar.Cookies(j.url) {
			r.AddCookie(c)
		}
	}
}

// learn keeps the cookies of an answer.
func (j *jars) learn(resp *http.Response, as As) {
	cookies := resp.Cookies()
	if len(cookies) == 0 || len(cookies) > 50 {
		return
	}
	if jar := j.of(as.anchor(), as.account()); jar != nil {
		jar.SetCookies(j.url, cookies)
	}
}
