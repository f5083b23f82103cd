package ewslab

// Autodiscover: from an address to the service, as POX (autodiscover.xml) and as SOAP (autodiscover.svc).

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Namespaces of the two protocols.
const (
	poxResponse  = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
	poxOutlook   = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	nsDiscovery  = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
	nsAddressing = "http://www.w3.org/2005/08/addressing"

	maxDiscovery = 64 << 10 // bytes of a request
)

// serviceURL is the address of the service as the asker reached this server.
func serviceURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + Path
}

// readDiscovery signs the asker in and reads the request; nil when it has been answered.
func (s *Server) readDiscovery(w http.ResponseWriter, r *http.Request) *node {
	if _, ok := s.auth.authenticate(w, r); !ok {
		return nil
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return nil
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDiscovery))
	if err != nil {
		http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
		return nil
	}
	root, err := readTree(bytes.NewReader(data))
	if err != nil {
		http.Error(w, "the request is no XML", http.StatusBadRequest)
		return nil
	}
	return root
}

// say sends a document.
func (s *Server) say(w http.ResponseWriter, status int, doc string) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	if _, err := io.WriteString(w, `<?xml version="1.0" encoding="utf-8"?>`+doc); err != nil {
		s.log.Debug("the answer was not read", "error", err)
	}
}

// quoted escapes a text for XML.
func quoted(text string) string {
	var b bytes.Buffer
	escape(&b, text)
	return b.String()
}

// leaf is an element with text.
func leaf(name, text string) string { return "<" + name + ">" + quoted(text) + "</" + name + ">" }

// servePOX answers autodiscover.xml.
func (s *Server) servePOX(w http.ResponseWriter, r *http.Request) {
	root := s.readDiscovery(w, r)
	if root == nil {
		return
	}
	email := strings.TrimSpace(root.text("Request", "EMailAddress"))
	box := s.people.mailbox(email)
	if root.Name != "Autodiscover" || email == "" || !strings.Contains(email, "@") {
		s.poxError(w, "600", "Invalid Request")
		return
	}
	if box == nil {
		s.poxError(w, "500", "The email address can't be found.")
		return
	}
	url := serviceURL(r)
	protocol := func(kind string) string {
		return "<Protocol>" + leaf("Type", kind) + leaf("Server", r.Host) + leaf("ASUrl", url) + leaf("EwsUrl", url) + leaf("OOFUrl", url) + "</Protocol>"
	}
	s.say(w, http.StatusOK, `<Autodiscover xmlns="`+poxResponse+`"><Response xmlns="`+poxOutlook+`"><User>`+leaf("DisplayName", box.Person.Name)+
		leaf("LegacyDN", "/o=Lab/ou=Exchange Administrative Group/cn=Recipients/cn="+box.User)+leaf("AutoDiscoverSMTPAddress", box.Email)+
		`</User><Account><AccountType>email</AccountType><Action>settings</Action>`+protocol("EXCH")+protocol("EXPR")+`</Account></Response></Autodiscover>`)
}

func (s *Server) poxError(w http.ResponseWriter, code, text string) {
	s.say(w, http.StatusOK, `<Autodiscover xmlns="`+poxResponse+`"><Response><Error Time="`+s.now().UTC().Format("15:04:05.0000000")+`" Id="1">`+
		leaf("ErrorCode", code)+leaf("Message", text)+`<DebugData/></Error></Response></Autodiscover>`)
}

// serveDiscoverySOAP answers GetUserSettings at autodiscover.svc.
func (s *Server) serveDiscoverySOAP(w http.ResponseWriter, r *http.Request) {
	root := s.readDiscovery(w, r)
	if root == nil {
		return
	}
	message := root.kid("Body", "GetUserSettingsRequestMessage")
	if root.Space != "s" || message == nil {
		s.say(w, http.StatusInternalServerError, `<s:Envelope xmlns:s="`+nsSOAP+`"><s:Body><s:Fault><faultcode xmlns:a="`+nsDiscovery+`">a:InvalidRequest</faultcode>`+
			`<faultstring xml:lang="en-US">The request is not known.</faultstring></s:Fault></s:Body></s:Envelope>`)
		return
	}
	var wanted []string
	for _, setting := range message.kid("Request", "RequestedSettings").all("Setting") {
		wanted = append(wanted, strings.TrimSpace(setting.Text))
	}
	var b strings.Builder
	for _, user := range message.kid("Request", "Users").all("User") {
		b.WriteString(s.userSettings(r, user.text("Mailbox"), wanted))
	}
	s.say(w, http.StatusOK, `<s:Envelope xmlns:s="`+nsSOAP+`" xmlns:a="`+nsAddressing+`"><s:Header><a:Action s:mustUnderstand="1">`+nsDiscovery+
		`/Autodiscover/GetUserSettingsResponse</a:Action></s:Header><s:Body><GetUserSettingsResponseMessage xmlns="`+nsDiscovery+
		`" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><Response><ErrorCode>NoError</ErrorCode><ErrorMessage/><UserResponses>`+b.String()+
		`</UserResponses></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>`)
}

// userSettings answers for one user.
func (s *Server) userSettings(r *http.Request, email string, wanted []string) string {
	box := s.people.mailbox(email)
	if box == nil || !strings.Contains(email, "@") {
		return `<UserResponse><ErrorCode>InvalidUser</ErrorCode>` + leaf("ErrorMessage", "Invalid user: '"+email+"'") +
			`<RedirectTarget i:nil="true"/><UserSettingErrors/><UserSettings/></UserResponse>`
	}
	known := map[string]string{
		"ExternalEwsUrl": serviceURL(r), "InternalEwsUrl": serviceURL(r), "AutoDiscoverSMTPAddress": box.Email, "UserDisplayName": box.Person.Name,
		"EwsSupportedSchemas": s.schemas(), "ExternalEwsVersion": "15.01.2507.000",
	}
	var good, bad strings.Builder
	for i, name := range wanted {
		if slices.Contains(wanted[:i], name) {
			continue
		}
		if value, ok := known[name]; ok {
			good.WriteString(`<UserSetting i:type="StringSetting">` + leaf("Name", name) + leaf("Value", value) + `</UserSetting>`)
		} else {
			bad.WriteString(`<UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode>` + leaf("ErrorMessage", name+" is not available.") + leaf("SettingName", name) + `</UserSettingError>`)
		}
	}
	return `<UserResponse><ErrorCode>NoError</ErrorCode><ErrorMessage>No error.</ErrorMessage><RedirectTarget i:nil="true"/><UserSettingErrors>` + bad.String() +
		`</UserSettingErrors><UserSettings>` + good.String() + `</UserSettings></UserResponse>`
}

// schemas lists the versions that are spoken.
func (s *Server) schemas() string {
	var names []string
	for i, d := range dialects() {
		if i <= s.top {
			names = append(names, d.name)
		}
	}
	return strings.Join(names, ", ")
}
