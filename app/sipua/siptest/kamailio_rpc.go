package siptest

// What a test may ask the running Kamailio: who is registered, and where rooms are.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// rpcTimeout bounds one command to the server.
const rpcTimeout = 5 * time.Second

// maxRPCAnswer bounds what is read of the server's answer, in bytes.
const maxRPCAnswer = 16 << 20

// RPCError is the server's refusal of a command.
type RPCError struct {
	Code    int    // 500 where the command failed, 400 where it was not understood
	Message string // the server's words
}

// Error implements error.
func (e *RPCError) Error() string { return fmt.Sprintf("%d %s", e.Code, e.Message) }

// RPC sends a command to the server ("ul.dump", "core.shmmem", …) and returns the result as JSON.
func (k *Kamailio) RPC(method string, params ...any) (json.RawMessage, error) {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return nil, fmt.Errorf("rpc %s: %w", method, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), rpcTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+k.Addr()+"/RPC", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("rpc %s: %w", method, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true // no idle connection is left behind for leak checks
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("rpc %s: %w", method, err)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxRPCAnswer))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("rpc %s: %w", method, err)
	}
	var answer struct {
		Result json.RawMessage
		Error  *RPCError
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("rpc %s: %s: %w", method, res.Status, err)
	}
	if answer.Error != nil {
		return nil, fmt.Errorf("rpc %s: %w", method, answer.Error)
	}
	return answer.Result, nil
}

// Bindings is how many devices of the user are registered now.
func (k *Kamailio) Bindings(user string) (int, error) {
	result, err := k.RPC("ul.lookup", "location", user+"@"+k.opts.Domain)
	var refused *RPCError
	if errors.As(err, &refused) && strings.Contains(refused.Message, "AOR not found") {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var record struct {
		Contacts []json.RawMessage
	}
	if err := json.Unmarshal(result, &record); err != nil {
		return 0, fmt.Errorf("bindings of %s: %w", user, err)
	}
	return len(record.Contacts), nil
}

// WaitBindings waits until exactly n devices of the user are registered and fails the test when that does not happen
// in time.
func (k *Kamailio) WaitBindings(user string, n int, timeout time.Duration) {
	k.t.Helper()
	var got int
	var err error
	if !Eventually(timeout, func() bool {
		got, err = k.Bindings(user)
		return err == nil && got == n
	}) {
		k.t.Fatalf("%s has %d devices registered (error: %v), want %d within %s", user, got, err, n, timeout)
	}
}

// RouteRooms makes the server hand requests for the rooms domain to another URI from now on, until it is stopped.
func (k *Kamailio) RouteRooms(uri string) {
	k.t.Helper()
	if k.opts.RoomsDomain == "" {
		k.t.Fatal("route rooms: the server was started without a rooms domain")
	}
	if _, err := k.RPC("cfg.sets", "rooms", "target", uri); err != nil {
		k.t.Fatalf("route rooms to %s: %v", uri, err)
	}
	k.opts.RoomsURI = uri // also after a restart
}

// Statistic is one of the server's counters since its start, by its name with a dot: "msilo.stored_messages",
// "usrloc.registered_users", "shmem.used_size".
func (k *Kamailio) Statistic(name string) (int64, error) {
	result, err := k.RPC("stats.fetch", name)
	if err != nil {
		return 0, err
	}
	var counters map[string]string
	if err := json.Unmarshal(result, &counters); err != nil {
		return 0, fmt.Errorf("statistic %s: %w", name, err)
	}
	value, ok := counters[name]
	if !ok {
		return 0, fmt.Errorf("statistic %s: no such counter", name)
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("statistic %s: %w", name, err)
	}
	return n, nil
}

// Stored is how many messages the server has taken into its offline store since its start.
func (k *Kamailio) Stored() (int64, error) { return k.Statistic("msilo.stored_messages") }

// WaitStored waits until the server has taken n messages into its offline store since its start (it may keep one twice
// whose connection breaks while it writes), and fails the test
// when that does not happen in time.
func (k *Kamailio) WaitStored(n int64, timeout time.Duration) {
	k.t.Helper()
	var got int64
	var err error
	if !Eventually(timeout, func() bool {
		got, err = k.Stored()
		return err == nil && got >= n
	}) {
		k.t.Fatalf("%d messages are stored (error: %v), want %d within %s", got, err, n, timeout)
	}
}
