package ewslab

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// discover posts a document and answers status and tree.
func (l *lab) discover(path, user, doc string) (int, *node) {
	l.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+l.Addr()+path, strings.NewReader(doc))
	if err != nil {
		l.t.Fatal(err)
	}
	req.SetBasicAuth(user, "portico")
	req.Header.Set("Content-Type", "text/xml")
	resp, err := l.client.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	if closeErr := resp.Body.Close(); err != nil || closeErr != nil {
		l.t.Fatal(err, closeErr)
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/xml") {
		return resp.StatusCode, nil
	}
	n, err := readTree(strings.NewReader(string(data)))
	if err != nil {
		l.t.Fatalf("%v: %s", err, data)
	}
	return resp.StatusCode, n
}

func TestDiscoveredByPOX(t *testing.T) {
	l := example(t)
	ask := func(email string) string {
		return `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>` + email +
			`</EMailAddress><AcceptableResponseSchema>` + poxOutlook + `</AcceptableResponseSchema></Request></Autodiscover>`
	}
	_, n := l.discover("/autodiscover/autodiscover.xml", "alice", ask("Bob@Example.test"))
	account := n.kid("Response", "Account")
	equal(t, account.text("Action")+" "+account.text("Protocol", "Type")+" "+account.text("Protocol", "EwsUrl"), "settings EXCH "+l.URL())
	equal(t, n.text("Response", "User", "AutoDiscoverSMTPAddress")+" "+n.text("Response", "User", "DisplayName"), "bob@example.test Bob Brown")
	_, n = l.discover("/Autodiscover/Autodiscover.xml", "alice", ask("nobody@example.test"))
	equal(t, n.text("Response", "Error", "ErrorCode"), "500")
	_, n = l.discover("/autodiscover/autodiscover.xml", "alice", ask("bob"))
	equal(t, n.text("Response", "Error", "ErrorCode"), "600")
	for _, doc := range []string{`<!DOCTYPE a><a/>`, `<a`} {
		if status, _ := l.discover("/autodiscover/autodiscover.xml", "alice", doc); status != http.StatusBadRequest {
			t.Errorf("%s: status %d", doc, status)
		}
	}
	if status, _ := l.discover("/autodiscover/autodiscover.xml", "nobody", ask("bob@example.test")); status != http.StatusUnauthorized {
		t.Errorf("status %d", status)
	}
	if status, _ := l.discover("/autodiscover/autodiscover.xml", "alice", ask(strings.Repeat("x", maxDiscovery))); status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", status)
	}
	resp, err := l.client.Get("http://" + l.Addr() + "/autodiscover/autodiscover.xml")
	if err != nil || resp.StatusCode != http.StatusUnauthorized || resp.Body.Close() != nil {
		t.Errorf("%v, %v", resp, err)
	}
}

func TestDiscoveredBySOAP(t *testing.T) {
	l := example(t)
	ask := `<s:Envelope xmlns:s="` + nsSOAP + `" xmlns:a="` + nsDiscovery + `" xmlns:wsa="` + nsAddressing + `"><s:Header><a:RequestedServerVersion>Exchange2013</a:RequestedServerVersion><wsa:Action>` +
		nsDiscovery + `/Autodiscover/GetUserSettings</wsa:Action></s:Header><s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>bob@example.test</a:Mailbox></a:User>` +
		`<a:User><a:Mailbox>nobody@example.test</a:Mailbox></a:User></a:Users><a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting><a:Setting>UserDisplayName</a:Setting><a:Setting>EwsSupportedSchemas</a:Setting>` +
		`<a:Setting>Nonsense</a:Setting></a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></s:Body></s:Envelope>`
	_, n := l.discover("/autodiscover/autodiscover.svc", "alice", ask)
	users := n.kid("Body", "GetUserSettingsResponseMessage", "Response", "UserResponses").all("UserResponse")
	equal(t, len(users), 2)
	equal(t, users[0].text("ErrorCode")+" "+users[1].text("ErrorCode"), "NoError InvalidUser")
	var got []string
	for _, s := range users[0].kid("UserSettings").Kids {
		got = append(got, s.text("Name")+"="+s.text("Value"))
	}
	if len(got) != 3 || got[0] != "ExternalEwsUrl="+l.URL() || got[1] != "UserDisplayName=Bob Brown" || !strings.Contains(got[2], "Exchange2016, ") {
		t.Errorf("settings %v", got)
	}
	equal(t, users[0].text("UserSettingErrors", "UserSettingError", "SettingName"), "Nonsense")
	status, n := l.discover("/autodiscover/autodiscover.svc", "alice", strings.ReplaceAll(ask, "GetUserSettingsRequestMessage", "GetDomainSettingsRequestMessage"))
	equal(t, status, http.StatusInternalServerError)
	equal(t, n.text("Body", "Fault", "faultcode"), "a:InvalidRequest")
}
