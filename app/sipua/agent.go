package sipua

// The agent: what everybody shares, its beginning and its end.

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
	"portico/app/sipua/strict"
)

// Agent is the user agent of all people of the portal. Make it with [New], then [Agent.Run] it.
type Agent struct {
	cfg   Config
	proxy proxy
	h     Handler

	parser *sip.Parser
	rules  strict.Rules
	txs    *transactions
	clock  *clock
	lanes  *lanes
	peers  *peers
	caps   *capabilities

	registers, publishes, subscribes *pacer
	lists                            *pacer // lines whose list service is to be written

	links  []*link
	door   *door
	large  largeLink
	docs   *documents // nil where the server keeps none
	taps   taps
	server atomic.Pointer[string] // what the server calls itself
	events *pacer                 // subscriptions with documents to be read, calls with news
	calls  *calls

	mu    sync.RWMutex // guards lines
	lines map[portal.Address]*line

	dialogs    dialogTable
	distrusted atomic.Bool // the log says that the server does not trust rooms
	brief      sync.Map    // methods (sip.RequestMethod) of which the log says that the server grants too little
}

// LineStatus is what is known of a person's line, for diagnostics.
type LineStatus struct {
	// Known: the person is signed in here.
	Known bool
	// Registered on the connection that stands now, until Expires.
	Registered bool
	Expires    time.Time
	// Published: the server holds a presence state of ours.
	Published bool
	// Watching counts the wanted subscriptions, Live those the server has answered for.
	Watching, Live int
	// Reason is the key of why the server refuses the person; empty if it does not.
	Reason string
}

// New builds an agent and opens its listening sockets, so that Addr is known; Run must follow (it also
// closes them). It reports everything that is wrong with the configuration at once.
func New(cfg Config, h Handler) (*Agent, error) {
	cfg, p, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if h == nil {
		return nil, errors.New("sip: no handler")
	}
	a := &Agent{cfg: cfg, proxy: p, h: h, parser: newParser(), rules: rules(), clock: newClock(), peers: newPeers(), caps: newCapabilities(), calls: newCalls(), lines: map[portal.Address]*line{}}
	a.txs = newTransactions(cfg.Logger)
	a.lanes = newLanes(cfg.Logger)
	a.events = newPacer(cfg.Logger, runtime.GOMAXPROCS(0), math.Inf(1), a.noticeJob)
	a.registers = newPacer(cfg.Logger, registerWorkers, cfg.ResumeRate, a.registerJob)
	a.publishes = newPacer(cfg.Logger, publishWorkers, cfg.SubscribeRate, a.publishJob)
	a.subscribes = newPacer(cfg.Logger, subscribeWorkers, cfg.SubscribeRate, a.subscribeJob)
	a.lists = newPacer(cfg.Logger, listWorkers, cfg.ResumeRate, a.listJob)
	a.docs = newDocuments(a)
	if a.door, err = openDoor(a); err != nil {
		return nil, err
	}
	n := cfg.Connections
	if p.transport == "UDP" {
		n = 1
	}
	for i := range n {
		a.links = append(a.links, newLink(a, i))
	}
	return a, nil
}

// How many requests of each kind may be under way at a time in the background.
const (
	registerWorkers  = 64
	publishWorkers   = 64
	subscribeWorkers = 128
	listWorkers      = 8
)

// Run works until ctx is done, then leaves in order: published presence is removed (unless
// KeepPresence), registrations are kept so that people stay reachable over a restart of the portal,
// connections are closed. It returns when everything it started has ended.
func (a *Agent) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	for _, part := range []func(context.Context){a.clock.run, a.registers.run, a.publishes.run, a.subscribes.run, a.lists.run, a.door.run, a.events.run} {
		wg.Go(func() { part(work) })
	}
	for _, k := range a.links {
		wg.Go(func() { k.run(work) })
	}
	<-ctx.Done()
	a.endCalls()
	a.leave()
	stop()
	a.large.close()
	a.docs.close()
	a.lanes.close()
	a.txs.end()
	wg.Wait()
	a.lanes.wait()
	return nil
}

// leaveBudget is how long the farewell at the end of Run may take.
const leaveBudget = 2 * time.Second

// leave takes everybody's presence off the server.
func (a *Agent) leave() {
	if a.cfg.KeepPresence || a.Ready() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveBudget)
	defer cancel()
	var wg sync.WaitGroup
	slots := make(chan struct{}, publishWorkers)
	for _, l := range a.allLines() {
		wg.Go(func() {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			defer func() { <-slots }()
			if err := l.unpublish(ctx); err != nil {
				a.cfg.Logger.Debug("presence left to expire", "person", l.who, "error", err)
			}
		})
	}
	wg.Wait()
}

// Addr is where the agent listens, as host:port; empty when it does not (a TLS proxy and no
// certificate of ours).
func (a *Agent) Addr() string { return a.door.addr() }

// Ready reports whether the proxy can be reached: nil, or an error that means ErrUnavailable.
func (a *Agent) Ready() error {
	for _, k := range a.links {
		if k.flow() != nil {
			return nil
		}
	}
	return portal.Fail(portal.ErrUnavailable, "signin.unreachable").Because(errNoFlow)
}

// Status describes the line of a person.
func (a *Agent) Status(who portal.Address) LineStatus {
	if l := a.line(who); l != nil {
		return l.status()
	}
	return LineStatus{}
}

// Registered is the number of people registered now.
func (a *Agent) Registered() int {
	n := 0
	for _, l := range a.allLines() {
		if l.status().Registered {
			n++
		}
	}
	return n
}

// line finds a person's line, nil if they are not signed in here.
func (a *Agent) line(who portal.Address) *line {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.lines[who]
}

func (a *Agent) allLines() []*line {
	a.mu.RLock()
	defer a.mu.RUnlock()
	ls := make([]*line, 0, len(a.lines))
	for _, l := range a.lines {
		ls = append(ls, l)
	}
	return ls
}

// linkOf spreads people over the links; a person always has the same, so their requests stay in order.
func (a *Agent) linkOf(who portal.Address) *link {
	h := fnv.New32a()
	h.Write([]byte(who))
	return a.links[int(h.Sum32()%uint32(len(a.links)))]
}

// find names the person a request is for. The Request-URI is the contact we registered, but servers
// rewrite it, so the To header has a say (and the last word where two domains share a user part).
func (a *Agent) find(req *sip.Request) *line {
	var to portal.Address
	if h := req.To(); h != nil {
		to, _ = portal.ParseAddress(h.Address.String()) // an address we cannot read is nobody's
	}
	user := req.Recipient.User
	a.mu.RLock()
	defer a.mu.RUnlock()
	if l := a.lines[to]; l != nil && (user == "" || strings.EqualFold(unescape(user), unescape(to.User()))) {
		return l
	}
	if direct, err := portal.ParseAddress(req.Recipient.String()); err == nil && a.lines[direct] != nil {
		return a.lines[direct]
	}
	if home, err := portal.ParseAddress("sip:" + user + "@" + a.cfg.Domain); err == nil && a.lines[home] != nil {
		return a.lines[home]
	}
	return a.lines[to]
}

// peers are the addresses whose requests are taken: the proxy's, as they were resolved.
type peers struct {
	mu  sync.RWMutex
	ips map[netip.Addr]struct{}
}

func newPeers() *peers { return &peers{ips: map[netip.Addr]struct{}{}} }

func (p *peers) add(ip netip.Addr) {
	p.mu.Lock()
	p.ips[ip.Unmap()] = struct{}{}
	p.mu.Unlock()
}

// trusts reports whether requests from addr are taken.
func (a *Agent) trusts(addr net.Addr) bool {
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return false
	}
	ip := ap.Addr().Unmap().WithZone("")
	a.peers.mu.RLock()
	_, ok := a.peers.ips[ip]
	a.peers.mu.RUnlock()
	if ok {
		return true
	}
	for _, prefix := range a.cfg.AcceptFrom {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// unreachable is the error for what needs the server while it is away.
func unreachable(key string, err error, after time.Duration) error {
	return portal.Fail(portal.ErrUnavailable, key).Because(fmt.Errorf("sip: %w", err)).After(after)
}
