package soap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/spnego"
	"github.com/jcmturner/gokrb5/v8/types"

	"portico/app/portal"
)

// realm is a Kerberos realm of one server: it gives tickets for the principals of its key table.
type realm struct {
	keys *keytab.Keytab
	conf string // path of krb5.conf
	ln   net.Listener
	done sync.WaitGroup

	mu     sync.Mutex
	issued []string
}

const (
	realmName        = "EXAMPLE.ORG"
	servicePrincipal = "HTTP/127.0.0.1"
)

func newRealm(t *testing.T) *realm {
	t.Helper()
	r := &realm{keys: keytab.New()}
	for principal, password := range map[string]string{"krbtgt/" + realmName: "realm", servicePrincipal: "service", "ann": "ann-secret", "svc": "svc-secret"} {
		if err := r.keys.AddEntry(principal, realmName, password, time.Unix(0, 0), 1, etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if r.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	r.done.Go(func() { r.serve(t) })
	t.Cleanup(func() {
		if err := r.ln.Close(); err != nil {
			t.Error(err)
		}
		r.done.Wait()
	})
	r.conf = writeFile(t, "krb5.conf", fmt.Appendf(nil, "[libdefaults]\n default_realm = %s\n dns_lookup_kdc = false\n udp_preference_limit = 1\n default_tkt_enctypes = aes256-cts-hmac-sha1-96\n default_tgs_enctypes = aes256-cts-hmac-sha1-96\n permitted_enctypes = aes256-cts-hmac-sha1-96\n[realms]\n %s = {\n  kdc = %s\n }\n", realmName, realmName, r.ln.Addr()))
	return r
}

func writeFile(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (r *realm) serve(t *testing.T) {
	for {
		conn, err := r.ln.Accept()
		if err != nil {
			return
		}
		if err := r.answer(conn); err != nil {
			t.Error(err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

func (r *realm) answer(conn net.Conn) error {
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return err
	}
	in := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(conn, in); err != nil {
		return err
	}
	out, err := r.reply(in)
	if err != nil {
		return err
	}
	_, err = conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(out))), out...))
	return err
}

func (r *realm) reply(in []byte) ([]byte, error) {
	var as messages.ASReq
	if as.Unmarshal(in) == nil {
		key, _, err := r.keys.GetEncryptionKey(as.ReqBody.CName, realmName, 1, etypeID.AES256_CTS_HMAC_SHA1_96)
		if err != nil {
			e := messages.NewKRBError(as.ReqBody.SName, realmName, errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN, "who?")
			return e.Marshal()
		}
		fields, err := r.ticket(as.ReqBody, as.ReqBody.CName, key, keyusage.AS_REP_ENCPART)
		if err != nil {
			return nil, err
		}
		fields.MsgType = 11
		rep := messages.ASRep{KDCRepFields: fields}
		return rep.Marshal()
	}
	var tgs messages.TGSReq
	if err := tgs.Unmarshal(in); err != nil {
		return nil, err
	}
	for _, pa := range tgs.PAData {
		if pa.PADataType != patype.PA_TGS_REQ {
			continue
		}
		var ap messages.APReq
		if err := ap.Unmarshal(pa.PADataValue); err != nil {
			return nil, err
		}
		if err := ap.Ticket.DecryptEncPart(r.keys, &ap.Ticket.SName); err != nil {
			return nil, err
		}
		if strings.Join(tgs.ReqBody.SName.NameString, "/") != servicePrincipal {
			e := messages.NewKRBError(tgs.ReqBody.SName, realmName, errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN, "what?")
			return e.Marshal()
		}
		part := ap.Ticket.DecryptedEncPart
		fields, err := r.ticket(tgs.ReqBody, part.CName, part.Key, keyusage.TGS_REP_ENCPART_SESSION_KEY)
		if err != nil {
			return nil, err
		}
		fields.MsgType = 13
		rep := messages.TGSRep{KDCRepFields: fields}
		return rep.Marshal()
	}
	return nil, errors.New("a request without a ticket")
}

// ticket makes the ticket that body asks for, for the client cname, its secret part under key.
func (r *realm) ticket(body messages.KDCReqBody, cname types.PrincipalName, key types.EncryptionKey, usage uint32) (messages.KDCRepFields, error) {
	now := time.Now().UTC().Truncate(time.Second)
	end := now.Add(time.Hour)
	r.mu.Lock()
	r.issued = append(r.issued, cname.PrincipalNameString()+" "+body.SName.PrincipalNameString())
	r.mu.Unlock()
	tkt, session, err := messages.NewTicket(cname, realmName, body.SName, realmName, types.NewKrbFlags(), r.keys, etypeID.AES256_CTS_HMAC_SHA1_96, 1, now, now, end, end)
	if err != nil {
		return messages.KDCRepFields{}, err
	}
	part := messages.EncKDCRepPart{Key: session, LastReqs: []messages.LastReq{{LRType: 0, LRValue: now}}, Nonce: body.Nonce, Flags: types.NewKrbFlags(), AuthTime: now, StartTime: now, EndTime: end, RenewTill: end, SRealm: realmName, SName: body.SName}
	plain, err := part.Marshal()
	if err != nil {
		return messages.KDCRepFields{}, err
	}
	sealed, err := crypto.GetEncryptedData(plain, key, usage, 1)
	return messages.KDCRepFields{PVNO: 5, CRealm: realmName, CName: cname, Ticket: tkt, EncPart: sealed}, err
}

// kerberosServer answers whoever brings a ticket for it, with their name as item id.
func (r *realm) server(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(spnego.SPNEGOKRB5Authenticate(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", xmlKind)
		fmt.Fprint(w, envelope(itemAnswer("i")))
	}), r.keys))
	t.Cleanup(srv.Close)
	return srv
}

func TestKerberos(t *testing.T) {
	r := newRealm(t)
	srv := r.server(t)
	table, err := r.keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		k       KerberosConfig
		as      As
		meaning error
	}{
		"password":           {KerberosConfig{User: "ann", Password: "ann-secret"}, As{}, nil},
		"key table":          {KerberosConfig{User: "svc", Keytab: writeFile(t, "svc.keytab", table)}, As{}, nil},
		"a person's own":     {KerberosConfig{User: "svc", Password: "svc-secret"}, As{Credentials: &Credentials{"ann@example.org", "ann-secret"}}, nil},
		"with domain":        {KerberosConfig{User: "svc", Password: "svc-secret"}, As{Credentials: &Credentials{`EXAMPLE\ann`, "ann-secret"}}, nil},
		"service by name":    {KerberosConfig{User: "ann", Password: "ann-secret", SPN: servicePrincipal}, As{}, nil},
		"wrong password":     {KerberosConfig{User: "ann", Password: "guess"}, As{}, portal.ErrUnauthenticated},
		"unknown user":       {KerberosConfig{User: "eve", Password: "guess"}, As{}, portal.ErrUnauthenticated},
		"unknown service":    {KerberosConfig{User: "ann", Password: "ann-secret", SPN: "HTTP/other.example.org"}, As{}, portal.ErrUnauthenticated},
		"own wrong password": {KerberosConfig{User: "svc", Password: "svc-secret"}, As{Credentials: &Credentials{"ann", "guess"}}, portal.ErrUnauthenticated},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.k.Config = r.conf
			auth, err := Kerberos(c.k)
			if err != nil {
				t.Fatal(err)
			}
			client, err := New(Options{URL: srv.URL, Auth: auth, Attempts: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			for range 2 {
				_, err = client.GetItem(background(t), c.as, getItem("i"))
				wantMeaning(t, err, c.meaning)
				if (err == nil) != (c.meaning == nil) || err != nil && strings.Contains(err.Error(), "guess") {
					t.Errorf("%v", err)
				}
			}
		})
	}
	if !strings.Contains(strings.Join(r.issued, ", "), "svc "+servicePrincipal) || types.NewPrincipalName(nametype.KRB_NT_SRV_INST, servicePrincipal).PrincipalNameString() != servicePrincipal {
		t.Errorf("tickets: %q", r.issued)
	}
}

func TestKerberosWithoutARealm(t *testing.T) {
	const nobody = "127.0.0.1:1"
	conf := writeFile(t, "krb5.conf", fmt.Appendf(nil, "[libdefaults]\n default_realm = %s\n dns_lookup_kdc = false\n udp_preference_limit = 1\n[realms]\n %s = {\n  kdc = %s\n }\n", realmName, realmName, nobody))
	auth, err := Kerberos(KerberosConfig{Config: conf, User: "ann", Password: "x"})
	if err != nil {
		t.Fatal(err)
	}
	c, s := scripted(t, func(o *Options) { o.Auth, o.Attempts = auth, 1 }, xmlReply(itemAnswer("a")))
	_, err = c.GetItem(background(t), As{}, getItem("a"))
	wantMeaning(t, err, portal.ErrUnavailable)
	if s.count() != 0 {
		t.Error("sent without a ticket")
	}
	c.Close()
	missing := filepath.Join(t.TempDir(), "none")
	for _, k := range []KerberosConfig{{Config: missing}, {Config: conf, Keytab: missing}, {Config: conf, Keytab: conf}} {
		_, err := Kerberos(k)
		wantMeaning(t, err, portal.ErrInvalid)
	}
}
