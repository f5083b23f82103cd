package ewstest

// DavMail as a peer: a gateway that nobody here wrote, started in front of an EWS endpoint.

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// davmailJar is where Debian's package has the program.
const davmailJar = "/usr/share/davmail/davmail.jar"

// startTimeout is how long a Java program may take to come up on a machine that has much else to do.
const startTimeout = 90 * time.Second

// portTries is how often other ports are tried when somebody took one meanwhile.
const portTries = 5

// DavMail is a running gateway. Its addresses are host:port on loopback.
type DavMail struct {
	CalDAV, IMAP, LDAP string
	endpoint           Endpoint
	process            *process
}

// StartDavMail starts the gateway in front of an endpoint and waits until it listens. It is stopped at the test's cleanup.
func StartDavMail(t testing.TB, e Endpoint) *DavMail {
	t.Helper()
	java := program(t, "java", "default-jre-headless")
	if _, err := os.Stat(davmailJar); err != nil {
		missing(t, "davmail", "davmail")
	}
	for range portTries {
		d, err := startDavMail(t, java, e)
		if err == nil {
			return d
		}
		if !errors.Is(err, errPortTaken) {
			t.Fatal(err)
		}
		t.Log(err)
	}
	t.Fatalf("no %d ports that stay free", 3)
	return nil
}

var errPortTaken = errors.New("a port was taken")

// startDavMail makes one try.
func startDavMail(t testing.TB, java string, e Endpoint) (*DavMail, error) {
	dir := t.TempDir()
	d := &DavMail{endpoint: e}
	ports := map[string]*string{"caldav": &d.CalDAV, "imap": &d.IMAP, "ldap": &d.LDAP}
	settings := []string{
		"davmail.mode=EWS", "davmail.url=" + e.URL, "davmail.server=true", "davmail.allowRemote=false", "davmail.bindAddress=127.0.0.1",
		"davmail.enableKerberos=false", "davmail.disableUpdateCheck=true", "davmail.enableKeepAlive=false", "davmail.keepDelay=30",
		"davmail.caldavPastDelay=0", "davmail.caldavAutoSchedule=true", "davmail.popPort=", "davmail.smtpPort=", "davmail.useSystemProxies=false", "davmail.enableProxy=false",
		"davmail.logFilePath=" + filepath.Join(dir, "davmail.log"), "log4j.rootLogger=WARN", "log4j.logger.davmail=DEBUG", "log4j.logger.httpclient=WARN", "log4j.logger.httpclient.wire=WARN",
	}
	for name, addr := range ports {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		*addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		settings = append(settings, "davmail."+name+"Port="+strconv.Itoa(port))
	}
	file := filepath.Join(dir, "davmail.properties")
	if err := os.WriteFile(file, []byte(strings.Join(settings, "\n")+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("settings of DavMail: %w", err)
	}
	p, err := start(spec{name: "davmail", path: java, dir: dir, log: filepath.Join(dir, "output"), env: []string{"HOME=" + dir, "TZ=Europe/Berlin"},
		args: []string{"-Xmx384m", "-Djava.awt.headless=true", "-Duser.home=" + dir, "-jar", davmailJar, "-server", file}})
	if err != nil {
		return nil, err
	}
	d.process = p
	p.stopAtEnd(t)
	return d, d.ready([]string{d.CalDAV, d.IMAP, d.LDAP})
}

// ready waits until the gateway listens everywhere.
func (d *DavMail) ready(addrs []string) error {
	open := func(addr string) bool {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		return err == nil && c.Close() == nil
	}
	var taken bool
	up := Eventually(startTimeout, func() bool {
		taken = strings.Contains(d.process.output(), "Unable to bind server socket")
		if taken || d.process.ended() {
			return true
		}
		for _, a := range addrs {
			if !open(a) {
				return false
			}
		}
		return true
	})
	switch {
	case taken:
		return errors.Join(errPortTaken, d.process.stop())
	case d.process.ended():
		return fmt.Errorf("davmail ended: %w\n%s", d.process.err, tail(d.process.output()))
	case !up:
		return fmt.Errorf("davmail does not listen after %v", startTimeout)
	}
	return nil
}

// freePort returns a port on 127.0.0.1 that was free a moment ago. It lies below the range from which systems take
// ports for outgoing connections.
func freePort() (int, error) {
	for range 200 {
		port := 10000 + rand.IntN(20000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		if err := l.Close(); err == nil {
			return port, nil
		}
	}
	return 0, errors.New("no free port between 10000 and 30000 on 127.0.0.1")
}
