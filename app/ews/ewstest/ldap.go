package ewstest

// As much of LDAP (RFC 4511) as it takes to bind and to search for a person.

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// BER tags of the protocol.
const (
	berInteger    = 0x02
	berOctets     = 0x04
	berEnumerated = 0x0a
	berSequence   = 0x30
	ldapBind      = 0x60
	ldapBound     = 0x61
	ldapSearch    = 0x63
	ldapEntry     = 0x64
	ldapDone      = 0x65
)

// ber writes one element of parts.
func ber(tag byte, parts ...[]byte) []byte {
	var body []byte
	for _, p := range parts {
		body = append(body, p...)
	}
	out := []byte{tag}
	switch n := len(body); {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 0x10000:
		out = append(out, 0x82, byte(n>>8), byte(n))
	default:
		out = append(out, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	return append(out, body...)
}

func berText(tag byte, s string) []byte { return ber(tag, []byte(s)) }

func berInt(tag byte, n int) []byte { return ber(tag, []byte{byte(n >> 8), byte(n)}) }

// readBER reads one element from a stream.
func readBER(r *bufio.Reader) (tag byte, body []byte, err error) {
	if tag, err = r.ReadByte(); err != nil {
		return 0, nil, err
	}
	first, err := r.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	size := int(first)
	if first >= 0x80 {
		size = 0
		for range first & 0x7f {
			b, err := r.ReadByte()
			if err != nil {
				return 0, nil, err
			}
			if size = size<<8 | int(b); size > 1<<24 {
				return 0, nil, errors.New("an element of more than 16 MiB")
			}
		}
	}
	body = make([]byte, size)
	_, err = io.ReadFull(r, body)
	return tag, body, err
}

// berElement is one element of another's body.
type berElement struct {
	tag  byte
	body []byte
}

// elements takes a body apart.
func elements(body []byte) ([]berElement, error) {
	r := bufio.NewReader(bytes.NewReader(body))
	var out []berElement
	for {
		tag, inner, err := readBER(r)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, berElement{tag, inner})
	}
}

// ldapSearchFor binds as somebody and searches the directory for people whose name begins so; it answers the
// attributes of each.
func (d *DavMail) ldapSearchFor(ctx context.Context, user, name string) ([]map[string]string, error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", d.LDAP)
	if err != nil {
		return nil, err
	}
	found, err := d.ldapTalk(conn, user, name)
	return found, errors.Join(err, conn.Close())
}

func (d *DavMail) ldapTalk(conn net.Conn, user, name string) ([]map[string]string, error) {
	if err := conn.SetDeadline(time.Now().Add(3 * time.Minute)); err != nil {
		return nil, err
	}
	r := bufio.NewReader(conn)
	bind := ber(ldapBind, berInt(berInteger, 3), berText(berOctets, d.endpoint.Email(user)), berText(0x80, d.endpoint.password()))
	if _, err := conn.Write(ber(berSequence, berInt(berInteger, 1), bind)); err != nil {
		return nil, err
	}
	answer, err := ldapAnswer(r)
	if err != nil {
		return nil, err
	}
	if answer.tag != ldapBound || len(answer.body) < 3 || answer.body[2] != 0 {
		return nil, fmt.Errorf("bind was answered %#x % x", answer.tag, answer.body)
	}
	// (cn=name*) below ou=people, all attributes.
	filter := ber(0xa4, berText(berOctets, "cn"), ber(berSequence, berText(0x80, name)))
	search := ber(ldapSearch, berText(berOctets, "ou=people"), berInt(berEnumerated, 2), berInt(berEnumerated, 0), berInt(berInteger, 50), berInt(berInteger, 60),
		ber(0x01, []byte{0}), filter, ber(berSequence))
	if _, err := conn.Write(ber(berSequence, berInt(berInteger, 2), search)); err != nil {
		return nil, err
	}
	var out []map[string]string
	for {
		answer, err := ldapAnswer(r)
		if err != nil {
			return out, err
		}
		switch answer.tag {
		case ldapEntry:
			e, err := ldapAttributes(answer.body)
			if err != nil {
				return out, err
			}
			out = append(out, e)
		case ldapDone:
			return out, nil
		default:
			return out, fmt.Errorf("the search was answered %#x", answer.tag)
		}
	}
}

// ldapAnswer reads one message and answers the operation in it.
func ldapAnswer(r *bufio.Reader) (berElement, error) {
	tag, body, err := readBER(r)
	if err != nil {
		return berElement{}, err
	}
	parts, err := elements(body)
	if err != nil || tag != berSequence || len(parts) < 2 {
		return berElement{}, errors.Join(fmt.Errorf("a message of %#x with %d parts", tag, len(parts)), err)
	}
	return parts[1], nil
}

// ldapAttributes reads an entry; of an attribute with several values the first.
func ldapAttributes(body []byte) (map[string]string, error) {
	parts, err := elements(body)
	if err != nil || len(parts) != 2 {
		return nil, errors.Join(fmt.Errorf("an entry of %d parts", len(parts)), err)
	}
	out := map[string]string{"dn": string(parts[0].body)}
	list, err := elements(parts[1].body)
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		pair, err := elements(a.body)
		if err != nil || len(pair) != 2 {
			return nil, errors.Join(fmt.Errorf("an attribute of %d parts", len(pair)), err)
		}
		values, err := elements(pair[1].body)
		if err != nil {
			return nil, err
		}
		if len(values) > 0 {
			out[string(pair[0].body)] = string(values[0].body)
		}
	}
	return out, nil
}
