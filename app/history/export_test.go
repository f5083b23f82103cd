package history

// What the tests outside the package need to see of its inside.

// ParsePlace reads a cursor of the list.
func ParsePlace(s string) (place, error) { return parsePlace(s) }
