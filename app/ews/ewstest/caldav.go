package ewstest

// A small CalDAV client (RFC 4791) and the iCalendar that it puts and reads back.

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// calDAV is one person's connection to the gateway.
type calDAV struct {
	base           string // http://host:port
	user, password string
	client         *http.Client
}

func (d *DavMail) calDAV(user string) *calDAV {
	return &calDAV{base: "http://" + d.CalDAV, user: d.endpoint.Email(user), password: d.endpoint.password(),
		client: &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}}
}

// path is that of a folder of the person.
func (c *calDAV) path(folder string) string { return "/users/" + c.user + "/" + folder + "/" }

// do makes one request and answers status, headers and body.
func (c *calDAV) do(ctx context.Context, method, path string, header map[string]string, body string) (int, http.Header, string, error) {
	u, err := url.Parse(c.base)
	if err != nil {
		return 0, nil, "", err
	}
	u.Path = path
	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		return 0, nil, "", err
	}
	req.SetBasicAuth(c.user, c.password)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	return resp.StatusCode, resp.Header, string(data), err
}

// put writes an event; etag, when there is one, is what it must be now. It answers the new one.
func (c *calDAV) put(ctx context.Context, path, etag, event string) (string, error) {
	header := map[string]string{"Content-Type": "text/calendar; charset=utf-8"}
	if etag != "" {
		header["If-Match"] = etag
	}
	status, answer, body, err := c.do(ctx, http.MethodPut, path, header, event)
	if err != nil {
		return "", err
	}
	if status/100 != 2 {
		return "", fmt.Errorf("PUT %s: status %d: %s", path, status, body)
	}
	return answer.Get("ETag"), nil
}

// get reads an event back.
func (c *calDAV) get(ctx context.Context, path string) (vevents, string, error) {
	status, answer, body, err := c.do(ctx, http.MethodGet, path, nil, "")
	if err != nil {
		return nil, "", err
	}
	if status != http.StatusOK {
		return nil, "", fmt.Errorf("GET %s: status %d: %s", path, status, body)
	}
	return readEvents(body), answer.Get("ETag"), nil
}

// multistatus is a WebDAV answer about several things.
type multistatus struct {
	Responses []struct {
		Href string `xml:"href"`
		Prop struct {
			ETag string `xml:"getetag"`
			Data string `xml:"calendar-data"`
		} `xml:"propstat>prop"`
	} `xml:"response"`
}

// list answers what is in a folder: path and entity tag of each.
func (c *calDAV) list(ctx context.Context, folder string) (map[string]string, error) {
	const query = `<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><getetag/><resourcetype/></prop></propfind>`
	status, _, body, err := c.do(ctx, "PROPFIND", c.path(folder), map[string]string{"Depth": "1", "Content-Type": "application/xml"}, query)
	if err != nil {
		return nil, err
	}
	found, err := readMultistatus(status, body)
	if err != nil {
		return nil, fmt.Errorf("PROPFIND %s: %w", folder, err)
	}
	out := map[string]string{}
	for _, r := range found.Responses {
		path, err := url.PathUnescape(r.Href)
		if err != nil {
			return nil, err
		}
		if !strings.HasSuffix(path, "/") {
			out[path] = r.Prop.ETag
		}
	}
	return out, nil
}

// query answers the events of a calendar between two instants, by path.
func (c *calDAV) query(ctx context.Context, folder string, from, to time.Time) (map[string]vevents, error) {
	const stamp = "20060102T150405Z"
	query := `<?xml version="1.0" encoding="utf-8"?><C:calendar-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><getetag/><C:calendar-data/></prop>` +
		`<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="` + from.UTC().Format(stamp) + `" end="` + to.UTC().Format(stamp) +
		`"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`
	status, _, body, err := c.do(ctx, "REPORT", c.path(folder), map[string]string{"Depth": "1", "Content-Type": "application/xml"}, query)
	if err != nil {
		return nil, err
	}
	found, err := readMultistatus(status, body)
	if err != nil {
		return nil, fmt.Errorf("REPORT %s: %w", folder, err)
	}
	out := map[string]vevents{}
	for _, r := range found.Responses {
		path, err := url.PathUnescape(r.Href)
		if err != nil {
			return nil, err
		}
		out[path] = readEvents(r.Prop.Data)
	}
	return out, nil
}

func readMultistatus(status int, body string) (multistatus, error) {
	var found multistatus
	if status != http.StatusMultiStatus {
		return found, fmt.Errorf("status %d: %s", status, body)
	}
	return found, xml.Unmarshal([]byte(body), &found)
}

// find looks for the event of a UID in a folder, "" without.
func (c *calDAV) find(ctx context.Context, folder, uid string, from, to time.Time) (string, vevents, error) {
	all, err := c.query(ctx, folder, from, to)
	if err != nil {
		return "", nil, err
	}
	for path, events := range all {
		if len(events) > 0 && events[0].text("UID") == uid {
			return path, events, nil
		}
	}
	return "", nil, nil
}

// vevents are the VEVENTs of one iCalendar object, the series first.
type vevents []vevent

// vevent is a VEVENT: its unfolded lines, those of its alarms left out.
type vevent []string

// readEvents takes an iCalendar object apart.
func readEvents(data string) vevents {
	data = strings.ReplaceAll(data, "\r\n", "\n")
	data = strings.NewReplacer("\n ", "", "\n\t", "").Replace(data)
	var out vevents
	depth := 0
	for _, line := range strings.Split(data, "\n") {
		switch {
		case line == "BEGIN:VEVENT":
			out = append(out, vevent{})
			depth = 1
		case line == "END:VEVENT":
			depth = 0
		case depth > 0 && strings.HasPrefix(line, "BEGIN:"):
			depth++
		case depth > 0 && strings.HasPrefix(line, "END:"):
			depth--
		case depth == 1:
			out[len(out)-1] = append(out[len(out)-1], line)
		}
	}
	return out
}

// line returns the first line of a property, "" without.
func (e vevent) line(name string) string {
	for _, l := range e {
		if strings.HasPrefix(l, name+":") || strings.HasPrefix(l, name+";") {
			return l
		}
	}
	return ""
}

// text returns a property's value.
func (e vevent) text(name string) string {
	_, value, _ := strings.Cut(e.line(name), ":")
	return strings.NewReplacer(`\,`, ",", `\;`, ";", `\n`, "\n", `\\`, `\`).Replace(value)
}

// partstat returns an attendee's answer as the event has it, "" when they are not in it.
func (e vevent) partstat(email string) string {
	for _, l := range e {
		if strings.HasPrefix(l, "ATTENDEE") && strings.Contains(strings.ToLower(l), "mailto:"+strings.ToLower(email)) {
			_, rest, _ := strings.Cut(l, "PARTSTAT=")
			return rest[:strings.IndexAny(rest+";", ";:")]
		}
	}
	return ""
}
