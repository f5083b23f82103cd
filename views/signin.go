package views

// SignInPage is the page /signin.
type SignInPage struct {
	Reader
	// Address is what was typed before.
	Address string
	// Domain is the SIP domain, for the example in the empty field.
	Domain string
	// Next is where to go after signing in: a path of this portal.
	Next string
	// Problem says why it did not work, Notice why the page is shown (signed out, session ended).
	Problem, Notice string
}

// example is how an address looks here; empty where the domain is not known.
func (v SignInPage) example() string {
	if v.Domain == "" {
		return ""
	}
	return v.Text("signin.example", "Domain", v.Domain)
}
