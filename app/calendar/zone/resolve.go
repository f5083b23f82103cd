package zone

import (
	"fmt"
	"strings"
	"time"

	"portico/app/portal"
)

// Resolve: from what a server said to a zone, and how sure that is.

// Sureness says how far an answer can be trusted.
type Sureness uint8

const (
	// Unknown: nothing that was said names a zone. Resolve returns an error with it.
	Unknown Sureness = iota
	// Likely: a name that several zones share, or one known by its cities; the offsets are as said.
	Likely
	// Matched: the rules agree with the zone in all years asked for, or are kept as they came.
	Matched
	// Exact: the name stands for this zone and no other.
	Exact
)

// String is the lower-case English word.
func (s Sureness) String() string {
	return [...]string{"unknown", "likely", "matched", "exact"}[min(s, Exact)]
}

// Form is the kind of spelling that was understood.
type Form string

// The forms that servers are known to send.
const (
	FormIANA    Form = "iana"    // Europe/Berlin, and links such as US/Eastern
	FormWindows Form = "windows" // W. Europe Standard Time, W. Europe Daylight Time
	FormDisplay Form = "display" // (UTC+01:00) Amsterdam, Berlin, …
	FormSpoken  Form = "spoken"  // Mitteleuropäische Zeit, Central European Summer Time
	FormOffset  Form = "offset"  // UTC+02:00, GMT+2, Z
	FormURI     Form = "uri"     // tzone://Microsoft/Utc
	FormRules   Form = "rules"   // periods and transitions
)

// Zone is a time zone that can be computed with. Name is an IANA name, or "UTC+05:30", or, where Custom is set,
// whatever the server calls a rule that no IANA zone follows; such a zone must be kept with its rules.
type Zone struct {
	Name     string
	Location *time.Location
	Custom   bool
}

// Rules are custom offsets in one of the shapes that servers send: Definition, Serializable, Observances.
type Rules interface {
	// Compile makes a location that follows the rules from 1970 to 2200; errors wrap portal.ErrInvalid.
	Compile() (*time.Location, error)
}

// Years are those, both included, for which offsets have to agree.
type Years struct{ From, To int }

// defaultYears are compared where nobody says which matter.
var defaultYears = Years{2020, 2035}

// Said is everything a server said about a zone; any field may be empty.
type Said struct {
	ID        string // TimeZoneDefinition/@Id, TZID, MeetingTimeZone/@TimeZoneName
	Name      string // TimeZoneDefinition/@Name: a display name, in any language
	Territory string // ISO 3166 code of the mailbox's country: chooses among zones of one Windows id
	Rules     Rules  // periods and transitions that came along
	Years     Years  // in which Rules have to agree; zero: 2020 to 2035
	Prefer    string // IANA zone to take if it follows Rules as well as another (that of the mailbox)
}

// Result is an understood zone.
type Result struct {
	Zone Zone
	Sure Sureness
	Form Form
	Why  string // for the operator's log, in English
}

const maxName = 256

// Resolve understands what a server said about a zone. Rules win over a name that contradicts them in the years asked for,
// because the server computed with its rules. Where several zones follow the rules equally, the preferred one is taken, then the
// territory's, then the first of the world's; all of them agree in the years asked for. The error wraps portal.ErrInvalid and comes with Sure Unknown.
func Resolve(s Said) (Result, error) {
	if len(s.ID) > maxName || len(s.Name) > maxName {
		return fail(fmt.Sprintf("a name of more than %d bytes", maxName), nil)
	}
	named := byName(s)
	if s.Rules == nil {
		if named.Sure == Unknown {
			return fail(named.Why, nil)
		}
		return named, nil
	}
	loc, err := s.Rules.Compile()
	if err != nil {
		return fail("rules that cannot be followed", err)
	}
	return byRules(s, named, loc), nil
}

func fail(why string, cause error) (Result, error) {
	err := portal.Fail(portal.ErrInvalid, "time-zone")
	if cause == nil {
		cause = fmt.Errorf("%s", why)
	}
	return Result{Why: why}, err.Because(cause)
}

// byName tries the id, then the display name.
func byName(s Said) Result {
	var why []string
	for _, text := range []string{s.ID, s.Name} {
		r := lookup(strings.TrimSpace(text), s.Territory)
		if r.Sure != Unknown {
			return r
		}
		why = append(why, r.Why)
	}
	return Result{Why: strings.Join(why, "; ")}
}

func byRules(s Said, named Result, loc *time.Location) Result {
	y := s.Years
	if y.From == 0 || y.To < y.From {
		y = defaultYears
	}
	if named.Sure != Unknown && Agree(named.Zone.Location, loc, y) {
		named.Why += "; its rules agree"
		if named.Sure == Likely {
			named.Sure = Matched
		}
		return named
	}
	contradicts := ""
	if named.Sure != Unknown {
		contradicts = fmt.Sprintf("the rules contradict %s, as %q would be; ", named.Zone.Name, s.ID)
	}
	if name, ok := match(loc, y, s.Prefer, s.Territory); ok {
		z, err := Load(name)
		if err == nil {
			return Result{z, Matched, FormRules, contradicts + fmt.Sprintf("the rules agree with %s from %d to %d", name, y.From, y.To)}
		}
	}
	name := s.ID
	if name == "" {
		name = "Custom"
	}
	return Result{Zone{name, loc, true}, Matched, FormRules, contradicts + fmt.Sprintf("no IANA zone follows these rules from %d to %d", y.From, y.To)}
}

// Load opens a zone by a name that Resolve gave out earlier and that is not Custom. The error wraps portal.ErrInvalid.
func Load(name string) (Zone, error) {
	if kept, ok := Canonical(name); ok {
		loc, err := tables().open(kept)
		if err != nil {
			return Zone{}, portal.Fail(portal.ErrInvalid, "time-zone").Because(err)
		}
		return Zone{Name: kept, Location: loc}, nil
	}
	if strings.HasPrefix(name, "UTC") {
		if off, ok := parseOffset(name); ok {
			return Fixed(off), nil
		}
	}
	return Zone{}, portal.Fail(portal.ErrInvalid, "time-zone").Because(fmt.Errorf("no zone is called %.64q", name))
}
