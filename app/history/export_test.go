package history

import (
	"time"

	"portico/app/portal"
)

// What the tests outside the package need to see of its inside.

// ParsePlace reads a cursor of the list.
func ParsePlace(s string) (place, error) { return parsePlace(s) }

// Body is the text of an item in English and UTC.
func Body(lines []portal.Line, names map[portal.Address]string) string {
	return body(lines, names, time.UTC, english())
}
