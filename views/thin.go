package views

// session is the kind of session as pages say it: "thin" or "full".
func session(r Reader) string {
	if r.Thin {
		return "thin"
	}
	return "full"
}
