package views

import "net/url"

// SignInPage is the page /signin.
type SignInPage struct {
	Reader
	// Address is what was typed before.
	Address string
	// Domain is the SIP domain, for the example in the empty field.
	Domain string
	// Next is where to go after signing in: a path of this portal.
	Next string
	// Provider is the identity provider where people sign in; empty: they type a password here.
	Provider string
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

// elsewhere is where the sign-in at the provider begins, with the way on kept.
func (v SignInPage) elsewhere() string {
	if v.Next == "" || v.Next == "/" {
		return "/signin/oidc"
	}
	return "/signin/oidc?" + url.Values{"next": {v.Next}}.Encode()
}

// inLanguage is this page in another language, with the way on kept.
func (v SignInPage) inLanguage(locale string) string {
	q := url.Values{"lang": {locale}}
	if v.Next != "" && v.Next != "/" {
		q.Set("next", v.Next)
	}
	return "/signin?" + q.Encode()
}
