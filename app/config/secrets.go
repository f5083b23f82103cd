package config

// SecretKeys are the keys whose values are secrets, in the order of the reference; "[]" stands behind the name of a repeated
// block ("ews.server[].password").
func SecretKeys() []string {
	var keys []string
	for _, o := range options() {
		if o.secret() {
			keys = append(keys, o.key)
		}
	}
	return keys
}
