package diagnosis

import "strings"

// Cures are the catalogue keys under which stands what to do about a cause, the most fitting first: its own, that of its
// family ("cure.exchange"), and one for everything, which is always there.
func Cures(cause string) []string {
	family, _, _ := strings.Cut(cause, ".")
	keys := []string{"cure." + cause, "cure." + family, "cure.any"}
	if family == cause {
		return keys[1:]
	}
	return keys
}
