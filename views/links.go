package views

// linkKinds are the schemes that a browser can be asked to open here.
func linkKinds() []string { return []string{"sip", "im", "web+portico"} }

// kindKey is a scheme as part of a text's key.
func kindKey(scheme string) string {
	if scheme == "web+portico" {
		return "portico"
	}
	return scheme
}
