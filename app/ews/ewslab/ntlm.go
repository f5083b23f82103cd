package ewslab

// The server's side of NTLM (MS-NLMP): a challenge, then the proof that the client knows the password (NTLMv2 only).

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"strings"
	"unicode/utf16"

	"golang.org/x/crypto/md4" //lint:ignore SA1019 what NTLM is made of
)

var (
	ntlmSignature = []byte("NTLMSSP\x00")
	errNTLM       = errors.New("ewslab: not an NTLM message")
)

// Flags of the challenge (MS-NLMP 2.2.2.5): Unicode, target requested and a domain, NTLM, always sign, extended session security, target information,
// 128 bit, 56 bit.
const ntlmFlags = 0x00000001 | 0x00000004 | 0x00000200 | 0x00008000 | 0x00010000 | 0x00080000 | 0x00800000 | 0x20000000 | 0x80000000

// handshake takes one step of the exchange on this connection.
func (a *authenticator) handshake(w http.ResponseWriter, conn *connection, scheme, token string) (signedIn, bool) {
	message, err := base64.StdEncoding.DecodeString(token)
	if err != nil || conn == nil || len(message) < 12 || !bytes.HasPrefix(message, ntlmSignature) {
		a.refuse(w)
		return signedIn{}, false
	}
	switch binary.LittleEndian.Uint32(message[8:]) {
	case 1:
		conn.challenge, conn.who = make([]byte, 8), nil
		if _, err := rand.Read(conn.challenge); err != nil {
			a.refuse(w)
			return signedIn{}, false
		}
		w.Header().Set("WWW-Authenticate", scheme+" "+base64.StdEncoding.EncodeToString(a.challenge(conn.challenge)))
		w.WriteHeader(http.StatusUnauthorized)
		return signedIn{}, false
	case 3:
		challenge := conn.challenge
		conn.challenge = nil
		if who, ok := a.proven(message, challenge); ok {
			conn.who = &who
			return who, true
		}
	}
	a.refuse(w)
	return signedIn{}, false
}

// challenge is the CHALLENGE_MESSAGE (2.2.1.2).
func (a *authenticator) challenge(nonce []byte) []byte {
	domain := strings.ToUpper(strings.SplitN(a.domain, ".", 2)[0])
	target := utf16le(domain)
	var info []byte
	for _, p := range []struct {
		id    uint16
		value string
	}{{2, domain}, {1, "LAB"}, {4, a.domain}, {3, "lab." + a.domain}} {
		info = binary.LittleEndian.AppendUint16(info, p.id)
		info = binary.LittleEndian.AppendUint16(info, uint16(len(utf16le(p.value))))
		info = append(info, utf16le(p.value)...)
	}
	info = append(info, 0, 0, 0, 0)
	const fixed = 48
	msg := append([]byte(nil), ntlmSignature...)
	msg = binary.LittleEndian.AppendUint32(msg, 2)
	msg = appendSpan(msg, len(target), fixed)
	msg = binary.LittleEndian.AppendUint32(msg, ntlmFlags)
	msg = append(msg, nonce...)
	msg = append(msg, make([]byte, 8)...)
	msg = appendSpan(msg, len(info), fixed+len(target))
	return append(append(msg, target...), info...)
}

func appendSpan(msg []byte, length, offset int) []byte {
	msg = binary.LittleEndian.AppendUint16(msg, uint16(length))
	msg = binary.LittleEndian.AppendUint16(msg, uint16(length))
	return binary.LittleEndian.AppendUint32(msg, uint32(offset))
}

// proven checks an AUTHENTICATE_MESSAGE (2.2.1.3) against the challenge (3.3.2).
func (a *authenticator) proven(msg, challenge []byte) (signedIn, bool) {
	response, err1 := field(msg, 20)
	domain, err2 := field(msg, 28)
	user, err3 := field(msg, 36)
	if errors.Join(err1, err2, err3) != nil || len(challenge) != 8 || len(response) < 16+28 {
		return signedIn{}, false
	}
	who, password, ok := a.account(fromUTF16(user))
	if !ok {
		return signedIn{}, false
	}
	h := md4.New()
	h.Write(utf16le(password)) // a hash does not fail
	key := keyed(h.Sum(nil), append(utf16le(strings.ToUpper(fromUTF16(user))), domain...))
	proof := keyed(key, append(append([]byte(nil), challenge...), response[16:]...))
	return who, hmac.Equal(proof, response[:16])
}

func keyed(key, data []byte) []byte {
	h := hmac.New(md5.New, key)
	h.Write(data)
	return h.Sum(nil)
}

// field reads what a length and an offset at the place point to.
func field(msg []byte, place int) ([]byte, error) {
	if len(msg) < place+8 {
		return nil, errNTLM
	}
	length, offset := int(binary.LittleEndian.Uint16(msg[place:])), int(binary.LittleEndian.Uint32(msg[place+4:]))
	if offset < 0 || offset > len(msg) || length > len(msg)-offset {
		return nil, errNTLM
	}
	return msg[offset : offset+length], nil
}

func utf16le(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func fromUTF16(b []byte) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u))
}
