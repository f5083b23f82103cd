package siplab

// A robot is a person of the lab who answers messages and changes presence without anybody at the keyboard. It is a SIP
// client like any other: it reaches the server over a socket, and shares nothing with it but this package.

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

const (
	robotExpires = 10 * time.Minute
	robotRefresh = 10 * time.Second // also how soon a lost connection is noticed
	robotWorkers = 8                // conversations answered at the same time
	robotBacklog = 16               // messages waiting for one worker; more stay unanswered
)

// RobotConfig says who a robot is and where its server is.
type RobotConfig struct {
	User   User   // account; DisplayName is how it introduces itself
	Domain string // SIP domain
	Server string // host:port of the server, reached over TCP
	Pace   RobotPace
	Logger *slog.Logger // default: discard
}

// Robot is a user agent. Run makes it live.
type Robot struct {
	cfg    RobotConfig
	log    *slog.Logger
	ua     *sipgo.UserAgent
	client *sipgo.Client
	call   string // Call-ID prefix
	cseq   atomic.Uint32

	mu      sync.Mutex
	etag    string
	told    int       // the mood that was published under etag
	mood    int       // index into moods
	until   time.Time // a mood somebody asked for holds until then
	workers []chan heard
}

// heard is a message to be answered.
type heard struct {
	from string // SIP URI
	note        // what it said
}

// NewRobot builds a robot; nothing is sent before Run.
func NewRobot(cfg RobotConfig) (*Robot, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.User.Name == "" || cfg.Domain == "" || cfg.Server == "" {
		return nil, errors.New("siplab: a robot needs a name, a domain and a server")
	}
	silent := slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError + 1}))
	ua, err := sipgo.NewUA(sipgo.WithUserAgent(cfg.User.Name), sipgo.WithUserAgentHostname(cfg.Domain),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(silent)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(silent),
			sip.WithTransactionLayerUnhandledResponseHandler(func(*sip.Response) {}),
			sip.WithTransactionLayerTerminateOnConnClose()))
	if err != nil {
		return nil, fmt.Errorf("siplab: robot %s: %w", cfg.User.Name, err)
	}
	r := &Robot{cfg: cfg, log: cfg.Logger.With("robot", cfg.User.Name), ua: ua, call: randomHex(8), workers: make([]chan heard, robotWorkers)}
	for i := range r.workers {
		r.workers[i] = make(chan heard, robotBacklog)
	}
	if r.client, err = sipgo.NewClient(ua, sipgo.WithClientLogger(silent)); err != nil {
		return nil, errors.Join(err, ua.Close())
	}
	srv, err := sipgo.NewServer(ua, sipgo.WithServerLogger(silent))
	if err != nil {
		return nil, errors.Join(err, ua.Close())
	}
	srv.OnMessage(r.onMessage)
	srv.OnOptions(func(req *sip.Request, tx sip.ServerTransaction) { r.answer(req, tx, 200, "OK") })
	srv.OnInvite(func(req *sip.Request, tx sip.ServerTransaction) { r.answer(req, tx, 603, "Decline") })
	srv.OnAck(func(*sip.Request, sip.ServerTransaction) {})
	return r, nil
}

// Run signs on, lives until ctx ends, signs off, and returns when all it started has. It survives the server going away.
func (r *Robot) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, ch := range r.workers {
		wg.Go(func() { r.work(ctx, ch) })
	}
	r.live(ctx)
	wg.Wait()
	off, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := r.signOff(off); err != nil {
		r.log.Debug("sign off", "error", err)
	}
	return r.ua.Close()
}

// live keeps registration and presence alive.
func (r *Robot) live(ctx context.Context) {
	backoff := 100 * time.Millisecond
	nextMood := time.Now().Add(r.moodTime())
	for ctx.Err() == nil {
		wait := robotRefresh
		err := r.signOn(ctx)
		if err != nil {
			if ctx.Err() == nil {
				r.log.Debug("sign on", "error", err)
			}
			wait = backoff
			backoff = min(2*backoff, 5*time.Second)
		} else {
			backoff = 100 * time.Millisecond
		}
		if r.cfg.Pace.Presence > 0 && time.Until(nextMood) < wait {
			wait = max(0, time.Until(nextMood))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if r.cfg.Pace.Presence > 0 && !time.Now().Before(nextMood) {
			r.changeMood()
			nextMood = time.Now().Add(r.moodTime())
		}
	}
}

// moodTime is how long a mood lasts: the pace, more or less.
func (r *Robot) moodTime() time.Duration {
	p := r.cfg.Pace.Presence
	if p <= 0 {
		return time.Hour
	}
	return p/2 + rand.N(p)
}

func (r *Robot) changeMood() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().Before(r.until) {
		return
	}
	r.mood = (r.mood + 1 + rand.IntN(len(moods)-1)) % len(moods)
}

// signOn registers and publishes; both refresh what is there.
func (r *Robot) signOn(ctx context.Context) error {
	if err := r.register(ctx, robotExpires); err != nil {
		return err
	}
	return r.publish(ctx)
}

func (r *Robot) signOff(ctx context.Context) error {
	r.mu.Lock()
	etag := r.etag
	r.mu.Unlock()
	var err error
	if etag != "" {
		_, err = r.ask(ctx, sip.PUBLISH, r.aor(), r.aor(), nil, hdr("Event", "presence"), hdr("Expires", "0"), hdr("SIP-If-Match", etag))
	}
	return errors.Join(err, r.register(ctx, 0))
}

func (r *Robot) aor() string { return "sip:" + r.cfg.User.Name + "@" + r.cfg.Domain }

func (r *Robot) register(ctx context.Context, d time.Duration) error {
	contact := fmt.Sprintf(`<sip:%s@%s.invalid;transport=tcp>;+sip.instance="<urn:uuid:00000000-0000-4000-8000-%s>";reg-id=1`,
		r.cfg.User.Name, r.call, r.call[:12])
	res, err := r.ask(ctx, sip.REGISTER, "sip:"+r.cfg.Domain, r.aor(), nil, hdr("Contact", contact), hdr("Expires", itoa(d)),
		hdr("Supported", "outbound, path"), hdr("User-Agent", "Portico lab robot"))
	return refused(res, err)
}

// refused makes an error of an answer that is no 2xx.
func refused(res *sip.Response, err error) error {
	if err != nil {
		return err
	}
	if !res.IsSuccess() {
		return fmt.Errorf("siplab: refused with %d %s", res.StatusCode, res.Reason)
	}
	return nil
}

// publish says how the robot feels, or refreshes it; 412 means that the server has forgotten and is told anew.
func (r *Robot) publish(ctx context.Context) error {
	r.mu.Lock()
	etag, told, mood := r.etag, r.told, r.mood
	r.mu.Unlock()
	for {
		headers := []sip.Header{hdr("Event", "presence"), hdr("Expires", itoa(robotExpires))}
		if etag != "" {
			headers = append(headers, hdr("SIP-If-Match", etag))
		}
		var body []byte
		if etag == "" || told != mood {
			body = moods[mood].document(r.aor(), r.cfg.User.Name)
			headers = append(headers, hdr("Content-Type", typePIDF))
		}
		res, err := r.ask(ctx, sip.PUBLISH, r.aor(), r.aor(), body, headers...)
		if err == nil && res.StatusCode == 412 && etag != "" {
			etag = ""
			continue
		}
		if err := refused(res, err); err != nil {
			return err
		}
		etag, _ = header(res, "SIP-ETag")
		r.mu.Lock()
		r.etag, r.told = etag, mood
		r.mu.Unlock()
		return nil
	}
}

// ask sends a request, answers one challenge, and returns the final answer.
func (r *Robot) ask(ctx context.Context, method sip.RequestMethod, target, to string, body []byte, headers ...sip.Header) (*sip.Response, error) {
	var u sip.Uri
	if err := sip.ParseUri(target, &u); err != nil {
		return nil, fmt.Errorf("siplab: robot: %w", err)
	}
	req := sip.NewRequest(method, u)
	req.SetDestination(r.cfg.Server)
	req.SetTransport("TCP")
	id := sip.CallIDHeader(r.call + "-" + string(method))
	if method == sip.MESSAGE {
		id = sip.CallIDHeader(randomHex(12))
	}
	from := "<" + r.aor() + ">;tag=" + r.call[:8]
	if r.cfg.User.DisplayName != "" {
		from = quote(r.cfg.User.DisplayName) + " " + from
	}
	for _, h := range append([]sip.Header{hdr("From", from), hdr("To", "<"+to+">"), &id,
		&sip.CSeqHeader{SeqNo: r.cseq.Add(2), MethodName: method}}, headers...) {
		req.AppendHeader(h)
	}
	req.SetBody(body)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	res, err := r.client.Do(ctx, req)
	if err != nil || res.StatusCode != 401 && res.StatusCode != 407 {
		return res, err
	}
	return r.client.DoDigestAuth(ctx, req, res, sipgo.DigestAuth{Username: r.cfg.User.Name, Password: r.cfg.User.Password})
}

func (r *Robot) answer(req *sip.Request, tx sip.ServerTransaction, status int, reason string, extra ...sip.Header) {
	res := sip.NewResponseFromRequest(req, status, reason, nil)
	for _, h := range extra {
		res.AppendHeader(h)
	}
	if err := tx.Respond(res); err != nil {
		r.log.Debug("answer", "method", req.Method, "error", err)
	}
}

// onMessage takes a MESSAGE: acknowledged at once, answered by a worker. One sender's messages go to one worker, in order.
func (r *Robot) onMessage(req *sip.Request, tx sip.ServerTransaction) {
	n, ok := readNote(req)
	if !ok {
		r.answer(req, tx, 415, "Unsupported Media Type", hdr("Accept", acceptedNotes))
		return
	}
	r.answer(req, tx, 200, "OK")
	from := req.From()
	if from == nil || n.text == "" && n.id == "" {
		return
	}
	sender := "sip:" + from.Address.User + "@" + from.Address.Host
	h := fnv.New32a()
	io.WriteString(h, sender)
	select {
	case r.workers[h.Sum32()%robotWorkers] <- heard{sender, n}:
	default:
		r.log.Debug("too much to answer", "from", sender)
	}
}
