package ldap

// Connections: made for one errand, ended with its context, and reading no more than it may need.

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	goldap "github.com/go-ldap/ldap/v3"

	"portico/app/portal"
)

// Bytes that an errand may read: of an entry with its attributes, of each of very many, of a member's name, and of everything else.
const (
	perEntry  = 64 << 10
	perName   = 1 << 10
	perMember = 256
	slack     = 1 << 20
)

// session is a connection to one server, signed in with the service account.
type session struct {
	*goldap.Conn
	wire *wire
	stop func() bool
}

// close ends the connection; one that the context has cut is closed already.
func (s *session) close() {
	s.stop()
	_ = s.Conn.Close() // there is nothing more to say on it
}

// allow sets how many more bytes may be read.
func (s *session) allow(n int64) { s.wire.left.Store(n + slack) }

// wire counts what is read.
type wire struct {
	net.Conn
	left atomic.Int64
}

var errTooMuch = errors.New("the server sends more than was asked for")

// Read fails when more comes than the errand may need.
func (w *wire) Read(b []byte) (int, error) {
	if w.left.Load() <= 0 {
		return 0, errTooMuch
	}
	n, err := w.Conn.Read(b)
	w.left.Add(-int64(n))
	return n, err
}

// open connects to the first server that answers and signs in with the service account. The errors of all stand in
// one that means ErrUnavailable.
func (d *Directory) open(ctx context.Context) (*session, error) {
	var errs []error
	for _, at := range d.servers {
		s, err := d.dial(ctx, at)
		if err == nil {
			if err = s.bindService(d.c); err == nil {
				return s, nil
			}
			s.close()
		}
		errs = append(errs, fmt.Errorf("%s: %w", at.url, err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, unavailable(errors.Join(errs...))
}

// dial connects to one server.
func (d *Directory) dial(ctx context.Context, at server) (*session, error) {
	dialing, cancel := context.WithTimeout(ctx, d.o.Dial)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(dialing, "tcp", at.address)
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: conn}
	w.left.Store(slack)
	conf := d.tls.Clone()
	conf.ServerName = at.host
	var carrier net.Conn = w
	if at.secure {
		secured := tls.Client(w, conf)
		if err := secured.HandshakeContext(dialing); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		carrier = secured
	}
	s := &session{Conn: goldap.NewConn(carrier, at.secure), wire: w}
	s.SetTimeout(d.o.Answer)
	s.Start()
	// Closing the socket wakes whoever waits for an answer.
	s.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if d.c.StartTLS && !at.secure {
		cut := context.AfterFunc(dialing, func() { _ = conn.Close() })
		err := s.StartTLS(conf)
		if !cut() && err == nil {
			err = dialing.Err()
		}
		if err != nil {
			s.close()
			return nil, fmt.Errorf("StartTLS: %w", err)
		}
	}
	return s, nil
}

// bindService signs in with the service account; without one the connection stays anonymous.
func (s *session) bindService(c Config) error {
	if c.BindDN == "" {
		return nil
	}
	if err := s.Bind(c.BindDN, c.BindPassword); err != nil {
		return fmt.Errorf("the service account %s: %w", c.BindDN, err)
	}
	return nil
}

// Ready signs in with the service account and reads the entry of the base: nil, or why that does not work.
func (d *Directory) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.o.Signin)
	defer cancel()
	s, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	_, err = s.Search(goldap.NewSearchRequest(d.c.Base, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 1, d.seconds(), false, "(objectClass=*)", []string{"1.1"}, nil))
	if err != nil {
		return unavailable(fmt.Errorf("the base %s: %w", d.c.Base, err))
	}
	return nil
}

// seconds is the time limit that the server is told.
func (d *Directory) seconds() int { return max(int(d.o.Answer.Seconds()), 1) }

// unavailable is the error of a directory that does not answer as it should.
func unavailable(err error) error {
	return portal.Fail(portal.ErrUnavailable, "directory.ldap").Because(err)
}

func joinHostPort(host, port string) string { return net.JoinHostPort(host, port) }
