package views

import (
	"slices"
	"strings"

	"portico/static"
	"portico/views/catalogue"
)

// helpPages are the topics' files by topic and language, in the order in which they are listed. A topic without
// a page in the reader's language is shown in the default one.
func helpPages() []string {
	return []string{"start", "status", "contacts", "privacy", "rooms", "calendar", "history", "calls", "thin", "crm", "sync", "policies", "audit", "diagnostics", "cases", "keyboard", "accessibility", "embed", "provider", "asvs", "configuration", "kamailio", "exchange"}
}

// NewHelpPage makes the page of a topic, of the first one where it is empty; false if there is none of that name.
func NewHelpPage(f Frame, topic string) (HelpPage, bool) {
	page := HelpPage{Frame: f, Chosen: topic != ""}
	for _, name := range helpPages() {
		source, language, ok := helpSource(name, f.Locale())
		if !ok {
			continue
		}
		title, blocks := Markdown(source)
		if _, err := static.Page("help/" + name + "." + language + ".md"); err != nil && language != f.Locale() {
			title = f.Text("help.topic." + name) // written in one language only: what it is about is said in the reader's
		}
		page.Topics = append(page.Topics, HelpTopic{Name: name, Title: title})
		if name == topic || topic == "" && page.Topic == "" {
			page.Topic, page.Language, page.Blocks = name, language, blocks
		}
	}
	return page, page.Topic != ""
}

// helpSource finds a topic's page: in the reader's language, in the default one, or where there is only one.
func helpSource(name, locale string) (source, language string, ok bool) {
	for _, language := range slices.Compact([]string{locale, catalogue.Default}) {
		if body, err := static.Page("help/" + name + "." + language + ".md"); err == nil {
			return string(body), language, true
		}
	}
	if body, err := static.Page("help/" + name + ".md"); err == nil && strings.TrimSpace(string(body)) != "" {
		return string(body), catalogue.Default, true
	}
	return "", "", false
}
