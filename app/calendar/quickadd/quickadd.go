// Package quickadd reads an appointment from one typed line, in English or German: "Lunch with Bob tomorrow
// 12:30-13:30", "Besprechung am Freitag um 10 für 2 Stunden @ Studio 1".
//
// A line must say when: a day, a time, or both. A day without a time is a whole day; a time without a day is the
// next such time. What says neither when nor where is the subject. Nothing is guessed about people: a name in
// the line is text, and nobody is invited by it.
package quickadd

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"portico/app/portal"
)

// Result is what a line says.
type Result struct {
	Subject, Location string
	// Start and End are in the zone of the now that was given; of a whole day they are midnights in UTC, End the
	// day after the last.
	Start, End time.Time
	AllDay     bool
}

// MaxLine is the longest line that is read, in bytes.
const MaxLine = 500

const (
	defaultLength = time.Hour
	maxLength     = 31 * 24 * time.Hour
)

// Parse reads a line as it is meant at now, in now's zone. A line that does not say when is ErrInvalid.
func Parse(line string, now time.Time) (Result, error) {
	unclear := portal.Fail(portal.ErrInvalid, "quick.unclear")
	if len(line) > MaxLine {
		return Result{}, unclear
	}
	r := &reading{rest: " " + strings.Join(strings.Fields(line), " ") + " ", now: now}
	whole := r.take(allDay) != nil
	length, hasLength := r.length()
	day, hasDay := r.day() // before the time: "3.12." looks like one
	clock, hasClock := r.clock()
	if r.bad || !hasDay && !hasClock && !whole {
		return Result{}, unclear
	}
	out := Result{Location: r.place()}
	out.Subject = r.subject()
	if out.Subject == "" {
		return Result{}, portal.Fail(portal.ErrInvalid, "appointment.subject-missing")
	}
	if whole || !hasClock {
		return wholeDays(out, day, hasDay, now), nil
	}
	out.Start = day.at(clock.from)
	if !hasDay && !out.Start.After(now) {
		out.Start = day.plus(1).at(clock.from)
	}
	switch {
	case clock.ranged:
		out.End = date{out.Start.Year(), out.Start.Month(), out.Start.Day(), now.Location()}.at(clock.to)
		if !out.End.After(out.Start) {
			out.End = date{out.Start.Year(), out.Start.Month(), out.Start.Day() + 1, now.Location()}.at(clock.to)
		}
	case hasLength:
		out.End = out.Start.Add(length)
	default:
		out.End = out.Start.Add(defaultLength)
	}
	return out, nil
}

func wholeDays(out Result, day dates, hasDay bool, now time.Time) Result {
	if !hasDay {
		day = dates{date: dateOf(now)}
	}
	out.AllDay = true
	out.Start = time.Date(day.y, day.m, day.d, 0, 0, 0, 0, time.UTC)
	out.End = out.Start.AddDate(0, 0, 1+day.more)
	return out
}

// date is a day, dates one or several in a row.
type date struct {
	y    int
	m    time.Month
	d    int
	zone *time.Location
}

type dates struct {
	date
	// more is how many days follow.
	more int
}

func dateOf(t time.Time) date { return date{t.Year(), t.Month(), t.Day(), t.Location()} }

func (d date) plus(days int) date { return date{d.y, d.m, d.d + days, d.zone} }

func (d date) at(minute int) time.Time {
	return time.Date(d.y, d.m, d.d, minute/60, minute%60, 0, 0, d.zone)
}

// real reports whether the day is in the calendar: there is no 30 February.
func (d date) real() bool {
	t := time.Date(d.y, d.m, d.d, 12, 0, 0, 0, time.UTC)
	return t.Month() == d.m && t.Day() == d.d
}

// reading is a line of which parts have been understood and taken out.
type reading struct {
	rest string
	now  time.Time
	// bad: something was a time or a date by its form, and is none.
	bad bool
}

// pattern is a form of words between spaces or signs.
func pattern(p string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)[\s,;(](?:` + p + `)[\s,;).!?]`)
}

const (
	hourPart  = `(\d{1,2})(?:[:.](\d{2}))?\s?(am|pm|a\.m\.|p\.m\.|uhr|h)?`
	monthPart = `(jan|feb|mar|mär|mrz|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[\p{L}]*\.?`
	dayPart   = `(mon|tues|wednes|thurs|fri|satur|sun)day|(montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag)`
)

var (
	place    = regexp.MustCompile(`\s@\s?([\p{L}][^@]*)$`)
	allDay   = pattern(`all[ -]day|whole day|ganztägig|ganztags|den ganzen tag`)
	lengths  = pattern(`(?:for |für )?(\d{1,3})(?:[.,](\d))?\s?(hours?|hrs?|h|stunden?|std\.?|minutes?|mins?|minuten|m)`)
	half     = pattern(`(?:for )?half an hour|(?:für )?(?:eine )?halbe stunde`)
	oneHour  = pattern(`for an hour|für eine stunde`)
	ranges   = pattern(`(?:(from|von|at|um) )?` + hourPart + `\s?(?:-|–|—|to|till|until|bis)\s?` + hourPart)
	times    = pattern(`(?:(at|um|from|von|ab) )?` + hourPart)
	noon     = pattern(`(?:at )?(?:noon|midday)|(?:zu )?mittags?|um zwölf`)
	isoDate  = pattern(`(?:on |am )?(\d{4})-(\d{2})-(\d{2})`)
	dotRange = pattern(`(?:vom )?(\d{1,2})\.?(?:\s?[-–]\s?|\s?bis(?: zum)? )(\d{1,2})\.\s?(?:(\d{1,2})\.|` + monthPart + `)\s?(\d{4})?`)
	enRange  = pattern(`(?:from )?(\d{1,2})\s?(?:[-–]|to)\s?(\d{1,2}) ` + monthPart + `,?\s?(\d{4})?`)
	dotDate  = pattern(`(?:am )?(\d{1,2})\.\s?(?:(\d{1,2})\.|` + monthPart + `)\s?(\d{4})?`)
	enDate   = pattern(`(?:on )?(?:the )?(\d{1,2})(?:st|nd|rd|th)?(?: of)? ` + monthPart + `,?\s?(\d{4})?`)
	usDate   = pattern(`(?:on )?` + monthPart + ` (\d{1,2})(?:st|nd|rd|th)?,?\s?(\d{4})?`)
	today    = pattern(`today|heute|tonight`)
	tomorrow = pattern(`tomorrow|morgen`)
	after    = pattern(`(?:the )?day after tomorrow|übermorgen`)
	inDays   = pattern(`in (\d{1,3}) (days?|tagen?|weeks?|wochen?)`)
	weekday  = pattern(`(?:on |am )?(next |nächsten? |kommenden? )?(?:` + dayPart + `)`)
)

// take removes the first match and gives its parts; nil if there is none.
func (r *reading) take(p *regexp.Regexp) []string {
	at := p.FindStringSubmatchIndex(r.rest)
	if at == nil {
		return nil
	}
	parts := make([]string, len(at)/2)
	for i := range parts {
		if at[2*i] >= 0 {
			parts[i] = r.rest[at[2*i]:at[2*i+1]]
		}
	}
	r.rest = r.rest[:at[0]] + " " + r.rest[at[1]-1:]
	return parts
}

// place takes what stands behind a lone "@", once the time is out of the line.
func (r *reading) place() string {
	m := r.take(place)
	if m == nil {
		return ""
	}
	return trimmed(m[1])
}

func (r *reading) length() (time.Duration, bool) {
	if r.take(half) != nil {
		return 30 * time.Minute, true
	}
	if r.take(oneHour) != nil {
		return time.Hour, true
	}
	at := lengths.FindStringSubmatch(r.rest)
	if at == nil {
		return 0, false
	}
	whole := strings.ToLower(strings.TrimSpace(at[0]))
	bare := !strings.HasPrefix(whole, "for ") && !strings.HasPrefix(whole, "für ")
	unit := strings.ToLower(at[3])
	if bare && (unit == "h" || unit == "m") {
		return 0, false // "14 h" is a time, "5 m" a distance
	}
	n, err := strconv.Atoi(at[1])
	if err != nil {
		return 0, false
	}
	r.take(lengths)
	step := time.Hour
	if strings.HasPrefix(unit, "m") {
		step = time.Minute
	}
	d := time.Duration(n) * step
	if at[2] != "" {
		tenths, err := strconv.Atoi(at[2])
		if err != nil {
			r.bad = true
		}
		d += time.Duration(tenths) * step / 10
	}
	if d <= 0 || d > maxLength {
		r.bad = true
	}
	return d, true
}

// clockTime is a time of day, or a stretch of it, in minutes.
type clockTime struct {
	from, to int
	ranged   bool
}

func (r *reading) clock() (clockTime, bool) {
	if m := ranges.FindStringSubmatch(r.rest); m != nil && clockLike(m[1], m[3], m[4]) || m != nil && clockLike(m[1], m[6], m[7]) {
		r.take(ranges)
		if m[4] == "" && isHalf(m[7]) {
			m[4] = m[7] // "2-3pm"
			if from, ok := minutes(m[2], m[3], m[4]); ok {
				if to, ok := minutes(m[5], m[6], m[7]); ok && from > to {
					m[4] = "am" // "11-1pm"
				}
			}
		}
		from, ok1 := minutes(m[2], m[3], m[4])
		to, ok2 := minutes(m[5], m[6], m[7])
		r.bad = r.bad || !ok1 || !ok2
		return clockTime{from, to, true}, true
	}
	for from := 0; from < len(r.rest); {
		found := times.FindStringSubmatchIndex(r.rest[from:])
		if found == nil {
			break
		}
		at := times.FindStringSubmatch(r.rest[from:])
		if !clockLike(at[1], at[3], at[4]) {
			from += found[1] - 1 // the sign behind a bare number may stand before a time
			continue
		}
		r.rest = r.rest[:from+found[0]] + " " + r.rest[from+found[1]-1:]
		begin, ok := minutes(at[2], at[3], at[4])
		r.bad = r.bad || !ok
		return clockTime{from: begin}, true
	}
	if r.take(noon) != nil {
		return clockTime{from: 12 * 60}, true
	}
	return clockTime{}, false
}

// clockLike reports whether a number is a time of day: a word before it or a sign in or behind it says so.
func clockLike(before, minute, behind string) bool {
	return before != "" || minute != "" || behind != ""
}

func isHalf(s string) bool {
	s = strings.ToLower(strings.ReplaceAll(s, ".", ""))
	return s == "am" || s == "pm"
}

// minutes reads a time of day. An hour from 1 to 6 without anything else is in the afternoon.
func minutes(hour, minute, half string) (int, bool) {
	h, err := strconv.Atoi(hour)
	if err != nil {
		return 0, false
	}
	m := 0
	if minute != "" {
		if m, err = strconv.Atoi(minute); err != nil {
			return 0, false
		}
	}
	switch strings.ToLower(strings.ReplaceAll(half, ".", "")) {
	case "am":
		if h == 12 {
			h = 0
		} else if h > 12 {
			return 0, false
		}
	case "pm":
		if h < 12 {
			h += 12
		}
	case "":
		if minute == "" && h >= 1 && h <= 6 && len(hour) == 1 {
			h += 12
		}
	}
	if h == 24 && m == 0 {
		return 24 * 60, true
	}
	return h*60 + m, h < 24 && m < 60
}

// subject is what is left.
func (r *reading) subject() string { return trimmed(r.rest) }

// trimmed is text without the words at its end that led to what was taken out.
func trimmed(text string) string {
	words := strings.Fields(text)
	for len(words) > 0 && joins(words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	text = strings.TrimFunc(strings.Join(words, " "), func(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune(",;-–", c) })
	return strings.ReplaceAll(text, " ,", ",")
}

// joins reports whether a word at the end only led to a time.
func joins(word string) bool {
	switch strings.ToLower(strings.Trim(word, ",;")) {
	case "", "at", "on", "from", "to", "for", "am", "um", "von", "bis", "für", "vom", "-", "–", "@", "next":
		return true
	}
	return false
}
