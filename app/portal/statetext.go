package portal

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// EnglishLCID is the locale identifier whose text is the default of a custom state (English, United States).
const EnglishLCID = 1033

// StateTexts is the texts of a custom state by Windows locale identifier (LCID, MS-LCID section 2.2). It is kept as one
// string so that what holds it stays comparable: entries "LCID=text", by LCID, parted by U+001F. The zero value has none.
type StateTexts string

const textSeparator = "\x1f"

// NewStateTexts makes texts of a table. Control characters in a text become spaces; empty texts are left out.
func NewStateTexts(byLCID map[int]string) StateTexts {
	lcids := make([]int, 0, len(byLCID))
	for lcid := range byLCID {
		lcids = append(lcids, lcid)
	}
	slices.Sort(lcids)
	var b strings.Builder
	for _, lcid := range lcids {
		text := strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < 0x20 || r == 0x7f {
				return ' '
			}
			return r
		}, byLCID[lcid]))
		if text == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(textSeparator)
		}
		b.WriteString(strconv.Itoa(lcid) + "=" + text)
	}
	return StateTexts(b.String())
}

// Table is the texts by LCID.
func (t StateTexts) Table() map[int]string {
	table := map[int]string{}
	for entry := range strings.SplitSeq(string(t), textSeparator) {
		number, text, ok := strings.Cut(entry, "=")
		if lcid, err := strconv.Atoi(number); ok && err == nil {
			table[lcid] = text
		}
	}
	return table
}

// For is the text for a reader of a language: that of the LCID itself, else that of another country's form of the same
// language (the lower ten bits of an LCID), the lowest first; empty where the language is missing: then the reader sees the plain state.
func (t StateTexts) For(lcid int) string {
	if t == "" {
		return ""
	}
	const primary = 0x3ff
	near := ""
	for entry := range strings.SplitSeq(string(t), textSeparator) {
		number, text, _ := strings.Cut(entry, "=")
		n, err := strconv.Atoi(number)
		switch {
		case err != nil:
		case n == lcid:
			return text
		case n&primary == lcid&primary && near == "":
			near = text
		}
	}
	return near
}

// LCIDs are the locale identifiers of languages, and of their forms in a country where those differ in one, by BCP 47 tag
// (MS-LCID section 2.2).
func LCIDs() map[string]int {
	return map[string]int{
		"en": EnglishLCID, "en-US": EnglishLCID, "en-GB": 2057, "en-AU": 3081, "en-CA": 4105, "en-IE": 6153,
		"de": 1031, "de-DE": 1031, "de-CH": 2055, "de-AT": 3079, "de-LU": 4103, "de-LI": 5127,
		"bg": 1026, "cs": 1029, "da": 1030, "el": 1032, "es": 3082, "et": 1061, "fi": 1035, "fr": 1036, "hr": 1050, "hu": 1038, "it": 1040,
		"ja": 1041, "ko": 1042, "lt": 1063, "lv": 1062, "nb": 1044, "nl": 1043, "pl": 1045, "pt": 2070, "ro": 1048, "ru": 1049, "sk": 1051,
		"sl": 1060, "sv": 1053, "tr": 1055, "uk": 1058, "zh": 2052,
	}
}

// LCID is the locale identifier of a language tag ("de", "de-AT"): that of the country's form, else the language's;
// English for one that is not known.
func LCID(tag string) int {
	known := LCIDs()
	base, country, _ := strings.Cut(tag, "-")
	base = strings.ToLower(base)
	for _, name := range []string{base + "-" + strings.ToUpper(country), base} {
		if n, ok := known[name]; ok {
			return n
		}
	}
	return EnglishLCID
}

// MarshalJSON writes an object of texts by LCID.
func (t StateTexts) MarshalJSON() ([]byte, error) { return json.Marshal(t.Table()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *StateTexts) UnmarshalJSON(b []byte) error {
	var table map[int]string
	if err := json.Unmarshal(b, &table); err != nil {
		return fmt.Errorf("state texts: %w", err)
	}
	*t = NewStateTexts(table)
	return nil
}
