package web

import (
	"strings"

	"github.com/microcosm-cc/bluemonday"
)

// newCleaner is what may stay of the HTML that a server keeps as an appointment's text: what structures text, and
// links to the web. No styles, images, forms or scripts: the page's look is the page's, and nobody is told that it was read.
func newCleaner() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowStandardURLs()
	p.AllowURLSchemes("http", "https", "mailto", "tel")
	p.AllowAttrs("href").OnElements("a")
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	p.AllowElements("p", "br", "div", "span", "b", "strong", "i", "em", "u", "s", "sub", "sup", "blockquote", "pre", "code", "hr",
		"ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "h3", "h4", "h5", "h6")
	p.AllowAttrs("dir").Matching(bluemonday.Direction).Globally()
	p.AllowAttrs("colspan", "rowspan").Matching(bluemonday.Integer).OnElements("td", "th")
	p.SkipElementsContent("head", "title", "style", "script")
	return p
}

// cleanHTML is the harmless part of HTML from outside; empty where nothing to read is left of it.
func (s *Server) cleanHTML(html string) string {
	if strings.TrimSpace(html) == "" {
		return ""
	}
	return strings.TrimSpace(s.cleaner.Sanitize(html))
}
