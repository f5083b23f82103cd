package main

// The control door: commands of a shell reach the running portal over loopback, with a token that only those who may read the data
// folder know.

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"portico/app/config"
	"portico/app/portal"
)

// controlFile says where the door is. It stands in the data folder while the portal runs.
const controlFile = "control.json"

// doorplate is what the file holds.
type doorplate struct {
	Address string `json:"address"`
	Token   string `json:"token"`
}

// errNobodyThere is that no portal runs with this data folder.
var errNobodyThere = errors.New("no portal is running")

// The bounds of the door.
const (
	maxControl    = 1 << 20
	controlDial   = 2 * time.Second
	controlRounds = 30 * time.Minute
)

// control opens the door until ctx ends.
func (h *house) control(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("control door: %w", err)
	}
	plate := doorplate{Address: l.Addr().String(), Token: rand.Text()}
	file := filepath.Join(h.cfg.Storage.DataDir, controlFile)
	if err := writePlate(file, plate); err != nil {
		return errors.Join(fmt.Errorf("control door: %w", err), l.Close())
	}
	defer func() {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			h.log.Warn("control door", "error", err)
		}
	}()
	server := &http.Server{Handler: controlHandler(localDesk{h}, plate.Token), ReadHeaderTimeout: controlDial, BaseContext: func(net.Listener) context.Context { return ctx }}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	err = server.Close()
	<-failed
	return err
}

// writePlate writes the file so that nobody else can read it, and nobody reads half of it.
func writePlate(file string, p doorplate) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), controlFile+".new-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// controlFailure is an error on its way through the door.
type controlFailure struct {
	Text string `json:"error"`
}

func controlHandler(desk syncDesk, token string) http.Handler {
	mux := http.NewServeMux()
	answer := func(pattern string, do func(r *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+token)) != 1 {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxControl)
			out, err := do(r)
			w.Header().Set("Content-Type", "application/json")
			if err != nil {
				w.WriteHeader(http.StatusInternalServerError)
				out = controlFailure{err.Error()}
			}
			_ = json.NewEncoder(w).Encode(out) // whoever asked has gone
		})
	}
	answer("GET /status", func(r *http.Request) (any, error) { return desk.Status(r.Context()) })
	answer("GET /users", func(r *http.Request) (any, error) { return desk.PlanUsers(r.Context()) })
	answer("POST /users", func(r *http.Request) (any, error) { return desk.SyncUsers(r.Context()) })
	answer("POST /run", func(r *http.Request) (any, error) { return desk.Round(r.Context()) })
	answer("POST /retry", func(r *http.Request) (any, error) {
		var seqs []int64
		if err := json.NewDecoder(r.Body).Decode(&seqs); err != nil {
			return nil, err
		}
		return desk.Retry(r.Context(), seqs)
	})
	return mux
}

// controlClient is the desk of the portal that runs; errNobodyThere where none does.
func controlClient(ctx context.Context, cfg *config.Config) (syncDesk, error) {
	data, err := os.ReadFile(filepath.Join(cfg.Storage.DataDir, controlFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNobodyThere
	}
	if err != nil {
		return nil, err
	}
	var plate doorplate
	if err := json.Unmarshal(data, &plate); err != nil {
		return nil, fmt.Errorf("%s: %w", controlFile, err)
	}
	conn, err := (&net.Dialer{Timeout: controlDial}).DialContext(ctx, "tcp", plate.Address)
	if err != nil { // it was killed, and its plate still hangs
		return nil, errNobodyThere
	}
	return remoteDesk{plate, &http.Client{Timeout: controlRounds}}, conn.Close()
}

// remoteDesk is the desk of the portal that runs.
type remoteDesk struct {
	plate doorplate
	http  *http.Client
}

func (d remoteDesk) ask(ctx context.Context, method, path string, in, out any) error {
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+d.plate.Address+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+d.plate.Token)
	resp, err := d.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64*maxControl))
	switch {
	case err != nil:
		return err
	case resp.StatusCode == http.StatusOK:
		return json.Unmarshal(body, out)
	}
	var failure controlFailure
	if json.Unmarshal(body, &failure) != nil || failure.Text == "" {
		failure.Text = resp.Status
	}
	return errors.New(failure.Text)
}

func (d remoteDesk) Status(ctx context.Context) (st portal.SyncStatus, err error) {
	err = d.ask(ctx, http.MethodGet, "/status", nil, &st)
	return st, err
}

func (d remoteDesk) PlanUsers(ctx context.Context) (rows []portal.SyncUserPlan, err error) {
	err = d.ask(ctx, http.MethodGet, "/users", nil, &rows)
	return rows, err
}

func (d remoteDesk) SyncUsers(ctx context.Context) (run portal.SyncUsersRun, err error) {
	err = d.ask(ctx, http.MethodPost, "/users", nil, &run)
	return run, err
}

func (d remoteDesk) Round(ctx context.Context) (st portal.SyncStatus, err error) {
	err = d.ask(ctx, http.MethodPost, "/run", nil, &st)
	return st, err
}

func (d remoteDesk) Retry(ctx context.Context, seqs []int64) (n int, err error) {
	err = d.ask(ctx, http.MethodPost, "/retry", seqs, &n)
	return n, err
}
