package main

// What the tests of people in the whole house share: privacy, policies, states, sign-ins and diagnosis by the API.

import (
	"net/http"
	"testing"
	"time"
)

// does makes an API call that must succeed.
func (c *client) does(method, path string, in, out any) {
	c.t.Helper()
	if status := c.call(method, path, in, out); status/100 != 2 {
		c.t.Fatalf("%s %s by %s: status %d", method, path, c.who, status)
	}
}

// shown is what the API tells somebody of another's presence, all of it.
type shown struct {
	URI, Availability, Activity, Text, Note, Calendar, Meeting, Location, Provider string
	OutOfOffice                                                                    string `json:"out_of_office"`
	MeetingPlace                                                                   string `json:"meeting_place"`
	TimeZone                                                                       string `json:"time_zone"`
	NoIM                                                                           bool   `json:"no_im"`
	ByHand                                                                         bool   `json:"by_hand"`
	Since                                                                          *time.Time
}

func (c *client) looksAt(user string) shown {
	c.t.Helper()
	var got shown
	c.does(http.MethodGet, "/presence/"+person(user), nil, &got)
	return got
}

// awaits waits until somebody is shown as wanted, and gives that.
func (c *client) awaits(user, what string, ok func(shown) bool) shown {
	c.t.Helper()
	var got shown
	defer func() {
		if c.t.Failed() {
			c.t.Logf("%s sees %+v", c.who, got)
		}
	}()
	await(c.t, longest, what, func() bool { got = c.looksAt(user); return ok(got) })
	return got
}

// gives makes somebody's relationship what it says.
func (c *client) gives(user, relationship string) {
	c.t.Helper()
	c.does(http.MethodPut, "/contacts/"+person(user), map[string]string{"relationship": relationship}, nil)
}

// quick are the environment variables of a portal that says soon what changed, with robots that keep still.
func quick(t testing.TB, environ ...string) []string {
	t.Helper()
	return append([]string{"PORTICO_LAB_ROBOTS_PACE=24h", "PORTICO_PRESENCE_GRACE=100ms", "PORTICO_PRESENCE_PUBLISH_PACE=100ms",
		"PORTICO_LIMITS_API_RATE=1000000", "PORTICO_CHAT_RATE=1000000", "PORTICO_LOG_LEVEL=warn"}, environ...)
}

// meets puts somebody into a meeting that has begun, in the portal's own Exchange.
func meets(t testing.TB, p *program, user, subject, place string) {
	t.Helper()
	now := time.Now()
	outlook(t, p.exchange, user).create(subject, now.Add(-2*time.Hour), now.Add(3*time.Hour), "", text("Location", place)+required("heidi"))
}
