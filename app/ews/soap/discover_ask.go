package soap

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"portico/app/ews/soap/binding"
	"portico/app/portal"
)

// The two languages of Autodiscover: POX, and SOAP where POX is not spoken.

func newRequest(ctx context.Context, method, at string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "text/xml; charset=utf-8")
		r.Header.Set("Accept", "text/xml")
	}
	return r, nil
}

// ask asks one place by POX, and by SOAP where it does not know POX.
func (s *search) ask(ctx context.Context, at string) (found, error) {
	u, err := url.Parse(at)
	if err != nil || u.Host == "" {
		return found{}, fmt.Errorf("%w: autodiscover: no address to ask", portal.ErrInvalid)
	}
	if !s.trusted(u) {
		return found{}, &UntrustedError{Host: u.Host, From: s.email}
	}
	soapAt := *u
	soapAt.Path, soapAt.RawQuery = soapPath(u.Path), ""
	if strings.HasSuffix(strings.ToLower(u.Path), ".svc") {
		return s.askSOAP(ctx, soapAt.String())
	}
	f, err := s.askPOX(ctx, u.String())
	if err == nil || portal.Meaning(err) == portal.ErrUnauthenticated || errors.Is(err, errSteps) || !reachedServer(err) {
		return f, err
	}
	g, soapErr := s.askSOAP(ctx, soapAt.String())
	if soapErr != nil {
		return g, errors.Join(err, soapErr)
	}
	return g, nil
}

// reachedServer tells a server that answered wrongly from one that is not there.
func reachedServer(err error) bool {
	var e *ResponseError
	return errors.As(err, &e) && (e.Status != 0 || errors.Is(err, errNoEnvelope) || e.Operation == "autodiscover")
}

// soapPath is where the SOAP service lies beside the POX one.
func soapPath(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 && strings.Contains(strings.ToLower(path[:i]), "autodiscover") {
		return path[:i] + "/autodiscover.svc"
	}
	return "/autodiscover/autodiscover.svc"
}

// exchange posts body and gives an answer of status 200, or where a redirect leads.
func (s *search) exchange(ctx context.Context, at string, body []byte) (resp *http.Response, next string, _ error) {
	if err := s.step(at); err != nil {
		return nil, "", err
	}
	resp, err := s.send(ctx, s.signers, s.o.Credentials, http.MethodPost, at, body)
	if err != nil {
		return nil, "", err
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		to, lerr := resp.Location()
		if err := drain(resp); err != nil {
			return nil, "", err
		}
		if lerr != nil || to.Scheme != "https" && !loopback(to.Hostname()) {
			return nil, "", fmt.Errorf("%w: autodiscover: %s redirects, and not to https", portal.ErrNotFound, at)
		}
		return nil, to.String(), nil
	}
	if resp.StatusCode != http.StatusOK {
		e := statusError(resp, "")
		e.Operation = "autodiscover"
		return nil, "", errors.Join(e, drain(resp))
	}
	return resp, "", nil
}

const poxRequest = `<?xml version="1.0" encoding="utf-8"?>` + "\n" +
	`<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>%s</EMailAddress>` +
	`<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`

// poxAnswer is the Autodiscover document.
type poxAnswer struct {
	Responses []poxResponse `ews:"Response"`
}

type poxResponse struct {
	User    poxUser    `ews:"User"`
	Account poxAccount `ews:"Account"`
	Error   *poxError  `ews:"Error"`
}

type poxUser struct {
	DisplayName string `ews:"DisplayName"`
	Address     string `ews:"AutoDiscoverSMTPAddress"`
}

type poxRedirect struct {
	Action       string `ews:"Action"`
	RedirectAddr string `ews:"RedirectAddr"`
	RedirectURL  string `ews:"RedirectUrl"`
	RedirectURL2 string `ews:"RedirectURL"`
}

type poxAccount struct {
	poxRedirect
	Protocols []poxProtocol `ews:"Protocol"`
}

type poxProtocol struct {
	Type   string `ews:"Type"`
	Type2  string `ews:"@Type"`
	EWSURL string `ews:"EwsUrl"`
	ASURL  string `ews:"ASUrl"`
}

type poxError struct {
	Code    string `ews:"ErrorCode"`
	Message string `ews:"Message"`
}

func (s *search) askPOX(ctx context.Context, at string) (found, error) {
	var mail bytes.Buffer
	if err := xml.EscapeText(&mail, []byte(s.email)); err != nil {
		return found{}, err
	}
	resp, next, err := s.exchange(ctx, at, fmt.Appendf(nil, poxRequest, mail.String()))
	if err != nil || next != "" {
		return found{next: next}, err
	}
	defer resp.Body.Close()
	head := &headReader{r: resp.Body}
	doc, err := decodePOX(s.codec.Reader(binding.NewScanner(head, maxDiscovery, discoverDepth)))
	if err != nil {
		e := broken(err, head.text())
		e.Operation, e.meaning = "autodiscover", portal.ErrUnavailable
		return found{}, e
	}
	return s.readPOX(doc, at)
}

// decodePOX reads an Autodiscover document.
func decodePOX(r *binding.Reader) (*poxAnswer, error) {
	if _, err := r.Next(); err != nil {
		return nil, err
	}
	if string(r.Local()) != "Autodiscover" {
		return nil, fmt.Errorf("%w but begins with <%.40s>", errNoEnvelope, r.Local())
	}
	doc := &poxAnswer{}
	if err := r.Read(doc); err != nil {
		return nil, err
	}
	return doc, nil
}

func (s *search) readPOX(doc *poxAnswer, at string) (found, error) {
	for _, resp := range doc.Responses {
		if resp.Error != nil {
			return found{}, &ResponseError{Operation: "autodiscover", Code: strings.TrimSpace(resp.Error.Code), Text: strings.TrimSpace(resp.Error.Message), meaning: portal.ErrNotFound}
		}
		a := resp.Account
		switch {
		case strings.EqualFold(a.Action, "redirectAddr") && strings.Contains(a.RedirectAddr, "@"):
			return found{address: strings.TrimSpace(a.RedirectAddr)}, nil
		case strings.EqualFold(a.Action, "redirectUrl") && a.RedirectURL+a.RedirectURL2 != "":
			return found{next: strings.TrimSpace(a.RedirectURL + a.RedirectURL2)}, nil
		}
		if u := s.choose(a.Protocols); u != "" {
			return found{result: &DiscoverResult{EWSURL: u, Email: orElse(resp.User.Address, s.email), DisplayName: resp.User.DisplayName, From: at}}, nil
		}
	}
	return found{}, &ResponseError{Operation: "autodiscover", Text: "the answer names no web service", meaning: portal.ErrNotFound}
}

// choose takes the web service's address for this side of the wall, else that for the other.
func (s *search) choose(protocols []poxProtocol) string {
	order := []string{"EXPR", "EXHTTP", "EXCH", ""}
	if s.o.Inside {
		order = []string{"EXCH", "EXHTTP", "EXPR", ""}
	}
	for _, kind := range order {
		for _, p := range protocols {
			if kind != "" && !strings.EqualFold(orElse(p.Type, p.Type2), kind) {
				continue
			}
			for _, raw := range []string{p.EWSURL, p.ASURL} {
				if u := usable(raw); u != "" {
					return u
				}
			}
		}
	}
	return ""
}

// usable gives an address that passwords may be sent to, else "".
func usable(raw string) string {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return ""
	}
	if _, err := checkURL(raw, false); err != nil {
		return ""
	}
	return raw
}

func orElse(s, other string) string {
	if s = strings.TrimSpace(s); s != "" {
		return s
	}
	return other
}

const soapDiscover = `<?xml version="1.0" encoding="utf-8"?>` + "\n" +
	`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover" xmlns:wsa="http://www.w3.org/2005/08/addressing">` +
	`<soap:Header><a:RequestedServerVersion>Exchange2010</a:RequestedServerVersion>` +
	`<wsa:Action>http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings</wsa:Action><wsa:To>%s</wsa:To></soap:Header>` +
	`<soap:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>%s</a:Mailbox></a:User></a:Users>` +
	`<a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting><a:Setting>InternalEwsUrl</a:Setting><a:Setting>AutoDiscoverSMTPAddress</a:Setting>` +
	`<a:Setting>UserDisplayName</a:Setting></a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></soap:Body></soap:Envelope>`

// settingsAnswer is GetUserSettingsResponseMessage.
type settingsAnswer struct {
	Response struct {
		ErrorCode    string         `ews:"ErrorCode"`
		ErrorMessage string         `ews:"ErrorMessage"`
		Users        []settingsUser `ews:"UserResponses>UserResponse"`
	} `ews:"Response"`
}

type settingsUser struct {
	ErrorCode      string        `ews:"ErrorCode"`
	ErrorMessage   string        `ews:"ErrorMessage"`
	RedirectTarget string        `ews:"RedirectTarget"`
	Settings       []userSetting `ews:"UserSettings>UserSetting"`
}

type userSetting struct {
	Name  string `ews:"Name"`
	Value string `ews:"Value"`
}

func (s *search) askSOAP(ctx context.Context, at string) (found, error) {
	var mail, to bytes.Buffer
	if err := errors.Join(xml.EscapeText(&mail, []byte(s.email)), xml.EscapeText(&to, []byte(at))); err != nil {
		return found{}, err
	}
	resp, next, err := s.exchange(ctx, at, fmt.Appendf(nil, soapDiscover, to.String(), mail.String()))
	if err != nil || next != "" {
		return found{next: next}, err
	}
	defer resp.Body.Close()
	head := &headReader{r: resp.Body}
	var doc settingsAnswer
	a, err := decode(s.codec.Reader(binding.NewScanner(head, maxDiscovery, discoverDepth)), "GetUserSettingsResponseMessage", &doc)
	if err == nil && a.fault != nil {
		return found{}, named(operation{element: "autodiscover"}, a.fault)
	}
	if err != nil {
		e := broken(err, head.text())
		e.Operation, e.meaning = "autodiscover", portal.ErrUnavailable
		return found{}, e
	}
	return s.readSettings(&doc, at)
}

func (s *search) readSettings(doc *settingsAnswer, at string) (found, error) {
	r := doc.Response
	if len(r.Users) == 0 {
		return found{}, &ResponseError{Operation: "autodiscover", Code: r.ErrorCode, Text: r.ErrorMessage, meaning: portal.ErrNotFound}
	}
	u := r.Users[0]
	switch u.ErrorCode {
	case "RedirectAddress":
		if strings.Contains(u.RedirectTarget, "@") {
			return found{address: strings.TrimSpace(u.RedirectTarget)}, nil
		}
	case "RedirectUrl":
		if u.RedirectTarget != "" {
			return found{next: strings.TrimSpace(u.RedirectTarget)}, nil
		}
	}
	set := map[string]string{}
	for _, v := range u.Settings {
		set[v.Name] = v.Value
	}
	order := []string{"ExternalEwsUrl", "InternalEwsUrl"}
	if s.o.Inside {
		order = []string{"InternalEwsUrl", "ExternalEwsUrl"}
	}
	for _, name := range order {
		if ews := usable(set[name]); ews != "" {
			return found{result: &DiscoverResult{EWSURL: ews, Email: orElse(set["AutoDiscoverSMTPAddress"], s.email), DisplayName: set["UserDisplayName"], From: at}}, nil
		}
	}
	return found{}, &ResponseError{Operation: "autodiscover", Code: u.ErrorCode, Text: orElse(u.ErrorMessage, "the answer names no web service"), meaning: portal.ErrNotFound}
}
