// Package zone is the one place that understands what servers call a time zone: IANA names and their
// links, Windows ids, display names, localised names, fixed offsets and custom rules, each answered
// with an IANA zone (or a rule that computes its own offsets) and with how sure that answer is.
//
// Nothing is guessed silently: Resolve says how it understood a name and why; a caller that stores a
// zone on somebody's series should do so for Exact and Matched, and show Likely ones to a person.
// Wall times are computed with the time zone database that is embedded in the binary.
package zone

import _ "time/tzdata" // a bare machine has no zone files

//go:generate go run generate.go -cldr cldr/common -version 41
