package web

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portico/app/portal"
)

// What the tests of the calendar's pages are written with: a house on a known day, people in Vienna, forms as
// browsers send them.

// wednesday is a day in a week without surprises, in Vienna: 25 November 2026, 10:07.
func wednesday(t testing.TB) time.Time {
	t.Helper()
	return time.Date(2026, 11, 25, 10, 7, 0, 0, vienna(t))
}

// at has a house whose clock stood at base when the test began, and goes on from there.
func at(base time.Time) func(*settings) {
	start := time.Now()
	return func(s *settings) {
		s.now = func() time.Time { return base.Add(time.Since(start)) }
		s.lifetime = 100 * 366 * 24 * time.Hour // sessions end by the machine's clock
	}
}

// inVienna is a caller whose browser is in Vienna.
func (c caller) inVienna(locale string) caller {
	c = c.with("Accept-Language", locale)
	return c.with("Cookie", c.cookie.Name+"="+c.cookie.Value+"; "+zoneCookie+"=Europe%2FVienna; "+scriptCookie+"=1")
}

// viennese is alice in front of a browser in Vienna.
func (h *house) viennese(who portal.Address, locale string) caller {
	h.t.Helper()
	c := h.browse(who).inVienna(locale)
	c.cookie = nil
	return c
}

// shows waits until a page holds what a selector finds so many times.
func (c caller) shows(path, selector string, count int) *goquery.Document {
	c.h.t.Helper()
	var doc *goquery.Document
	eventually(c.h.t, fmt.Sprintf("%s shows %d of %s", path, count, selector), func() bool {
		doc = c.page(path, http.StatusOK)
		return doc.Find(selector).Length() == count
	})
	return doc
}

// text is what a selection says, its pieces parted by spaces.
func text(s *goquery.Selection) string {
	var words []string
	var walk func(*goquery.Selection)
	walk = func(s *goquery.Selection) {
		s.Contents().Each(func(_ int, e *goquery.Selection) {
			if goquery.NodeName(e) == "#text" {
				words = append(words, strings.Fields(e.Text())...)
			} else {
				walk(e)
			}
		})
	}
	walk(s)
	return strings.Join(words, " ")
}

const thisWeek = "/calendar?view=workweek&date=2026-11-25"

func (h *house) lesson(subject string, hour int, length time.Duration) portal.Appointment {
	day := wednesday(h.t)
	start := time.Date(day.Year(), day.Month(), day.Day(), hour, 0, 0, 0, day.Location())
	return portal.Appointment{Subject: subject, Start: start.UTC(), End: start.Add(length).UTC()}
}

func document(t *testing.T, r *reply) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// fields are the values of a form, as a browser without script would send them, with some changed.
func fields(doc *goquery.Document, changed ...string) []string {
	values := url.Values{}
	doc.Find("#appointment-form [name]").Each(func(_ int, e *goquery.Selection) {
		name := e.AttrOr("name", "")
		switch {
		case e.Is("button"):
		case e.Is("select"):
			option := e.Find("option[selected]")
			if option.Length() == 0 {
				option = e.Find("option").First()
			}
			values.Add(name, option.AttrOr("value", ""))
		case e.Is("textarea"):
			values.Add(name, e.Text())
		case e.Is("input[type=checkbox], input[type=radio]"):
			if _, on := e.Attr("checked"); on {
				values.Add(name, e.AttrOr("value", "on"))
			}
		default:
			values.Add(name, e.AttrOr("value", ""))
		}
	})
	for i := 0; i+1 < len(changed); i += 2 {
		values.Set(changed[i], changed[i+1])
	}
	var out []string
	for name, all := range values {
		for _, v := range all {
			out = append(out, name, v)
		}
	}
	return out
}

// upload sends a form with a file.
func (c caller) upload(path, name string, data []byte) *reply {
	c.h.t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	part, err := w.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		c.h.t.Fatal(err)
	}
	return c.with("Content-Type", w.FormDataContentType()).with("Origin", c.h.url).with("Sec-Fetch-Site", "same-origin").send(http.MethodPost, path, buf.Bytes())
}
