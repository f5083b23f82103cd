package soap

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"portico/app/portal"
)

// Over real connections.

func wired(t *testing.T, auth Authenticator, h http.HandlerFunc) (*Client, *httptest.Server) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	c, err := New(Options{URL: srv.URL + "/EWS/Exchange.asmx", Auth: auth, HTTP: srv.Client(), Jitter: func() float64 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, srv
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	var mu sync.Mutex
	from := map[string]bool{}
	c, _ := wired(t, Basic("ann", "x"), func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		from[r.RemoteAddr] = true
		mu.Unlock()
		w.Header().Set("Content-Type", xmlKind)
		fmt.Fprint(w, envelope(itemAnswer("a"))+"\r\n")
	})
	for range 10 {
		if _, err := c.GetItem(background(t), As{}, getItem("a")); err != nil {
			t.Fatal(err)
		}
	}
	if len(from) != 1 {
		t.Errorf("%d connections", len(from))
	}
}

func TestCompressedAnswers(t *testing.T) {
	c, _ := wired(t, nil, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("compression is not asked for")
		}
		w.Header().Set("Content-Type", xmlKind)
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		if _, err := io.WriteString(z, envelope(itemAnswer("a"))); err != nil {
			t.Error(err)
		}
		if err := z.Close(); err != nil {
			t.Error(err)
		}
	})
	resp, err := c.GetItem(background(t), As{}, getItem("a"))
	if err != nil || resp.Messages[0].Items[0].ID().ID != "a" {
		t.Errorf("%v %+v", err, resp)
	}
}

func TestACompressedBombIsBounded(t *testing.T) {
	c, _ := wired(t, nil, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", xmlKind)
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		chunk := strings.Repeat(" ", 1<<16)
		for range 1 << 9 { // 32 MiB, some dozen KiB compressed
			if _, err := io.WriteString(z, chunk); err != nil {
				return
			}
		}
	})
	c.o.MaxAnswer = 1 << 20
	_, err := c.GetItem(background(t), As{}, getItem("a"))
	wantMeaning(t, err, portal.ErrTooMany)
}

// cutting sends half of an answer and closes the connection.
func cutting(sent *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sent.Add(1)
		body := envelope(answersTo("CreateItem", "a"))
		w.Header().Set("Content-Type", xmlKind)
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		fmt.Fprint(w, body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
}

func TestAConnectionCutInTheAnswer(t *testing.T) {
	var sent atomic.Int64
	c, _ := wired(t, nil, cutting(&sent))
	_, err := c.CreateItem(background(t), As{}, createItem())
	wantMeaning(t, err, portal.ErrUnavailable)
	if sent.Load() != 1 {
		t.Errorf("a write was sent %d times", sent.Load())
	}
	if _, err = c.GetFolder(background(t), As{}, &GetFolder{Folders: []FolderRef{WellKnown("inbox", "")}}); err == nil || sent.Load() != 5 {
		t.Errorf("a read was sent %d times, %v", sent.Load()-1, err)
	}
}

func TestAConnectionCutBeforeTheAnswer(t *testing.T) {
	var sent atomic.Int64
	c, _ := wired(t, nil, func(http.ResponseWriter, *http.Request) {
		sent.Add(1)
		panic(http.ErrAbortHandler)
	})
	_, err := c.CreateItem(background(t), As{}, createItem())
	wantMeaning(t, err, portal.ErrUnavailable)
	if sent.Load() != 1 {
		t.Errorf("a write was sent %d times", sent.Load())
	}
}

func TestAServerThatIsNotThere(t *testing.T) {
	var dialled atomic.Int64
	dial := func(context.Context, string, string) (net.Conn, error) {
		dialled.Add(1)
		return nil, errBroken
	}
	c, err := New(Options{URL: "https://mail.example.org/", Auth: NTLM("a", "b"), HTTP: &http.Client{Transport: &http.Transport{DialContext: dial}}, Jitter: func() float64 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.CreateItem(background(t), As{}, createItem())
	wantMeaning(t, err, portal.ErrUnavailable)
	if dialled.Load() != 4 {
		t.Errorf("tried %d times", dialled.Load())
	}
}

func TestAnUnknownCertificate(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	c, err := New(Options{URL: srv.URL, Auth: Basic("ann", "x"), Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.GetItem(background(t), As{}, getItem("a"))
	wantMeaning(t, err, portal.ErrUnavailable)
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
}
