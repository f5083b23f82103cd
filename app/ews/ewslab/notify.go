package ewslab

// Subscriptions: what happens in mailboxes is kept for those who asked, until they fetch it (pull) or a stream carries it.

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// maxEvents is how many events wait for one subscription. With more the subscription has missed events: it is answered
	// ErrorMissedNotificationEvents and is gone, as on Exchange; its owner subscribes anew and synchronises.
	maxEvents = 2000
	// maxSubscriptions is how many a mailbox may have; more are ErrorExceededSubscriptionCount.
	maxSubscriptions = 5000
	// eventsPerAnswer is how many GetEvents answers at once; MoreEvents says that there are others.
	eventsPerAnswer = 100
	// streamLife is how long a streaming subscription outlives its last connection.
	streamLife = 30 * time.Minute
)

// event is one thing that happened, as a subscription sees it.
type event struct {
	kind   string // CreatedEvent, ...
	seq    int64  // makes the watermark
	change change
}

// subscription is somebody's standing question. Guarded by notifier.mu.
type subscription struct {
	id        string
	account   string // who may use it
	mailbox   int64  // whose folders
	folders   map[int64]bool
	all       bool // every folder of the mailbox
	types     map[string]bool
	streaming bool
	timeout   time.Duration
	used      time.Time // when it was last asked for or streamed
	first     int64     // the watermark before the oldest kept event
	events    []event
	missed    bool
	stream    *stream // which carries it, nil without
}

// notifier holds all subscriptions.
type notifier struct {
	mu      sync.Mutex
	seq     int64
	byID    map[string]*subscription
	byBox   map[int64]map[*subscription]bool
	byUser  map[string]int // how many an account made
	streams map[*stream]bool
}

func newNotifier() *notifier {
	return &notifier{byID: map[string]*subscription{}, byBox: map[int64]map[*subscription]bool{}, byUser: map[string]int{}, streams: map[*stream]bool{}}
}

// changed is told of committed changes. It keeps them and rings the streams; it never blocks.
func (n *notifier) changed(changes []change) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range changes {
		if len(n.byBox[c.Mailbox]) == 0 {
			continue
		}
		kinds := kindsOf(c)
		for sub := range n.byBox[c.Mailbox] {
			if !sub.concerns(c) {
				continue
			}
			for _, kind := range kinds {
				if sub.types[kind] {
					n.seq++
					sub.keep(event{kind: kind, seq: n.seq, change: c})
				}
			}
		}
	}
}

// kindsOf names the events that a change is told as.
func kindsOf(c change) []string {
	kinds := []string{map[changeKind]string{created: "CreatedEvent", modified: "ModifiedEvent", deleted: "DeletedEvent", moved: "MovedEvent", copied: "CopiedEvent", newMail: "NewMailEvent"}[c.Kind]}
	if c.Calendar {
		kinds = append(kinds, "FreeBusyChangedEvent")
	}
	return kinds
}

// concerns says whether a change lies in the subscription's folders.
func (s *subscription) concerns(c change) bool {
	if s.all {
		return true
	}
	if c.Item == 0 {
		return s.folders[c.Folder] || s.folders[c.Parent] || s.folders[c.OldParent]
	}
	return s.folders[c.Folder] || s.folders[c.OldFolder]
}

// keep adds an event and rings.
func (s *subscription) keep(e event) {
	if len(s.events) >= maxEvents {
		s.missed, s.events = true, nil
	}
	if !s.missed {
		s.events = append(s.events, e)
	}
	if s.stream != nil {
		s.stream.ring()
	}
}

// add registers a new subscription and gives how many its mailbox, or its account, has then; 0 when that has too many.
func (n *notifier) add(sub *subscription, l Limits, now time.Time) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sweep(now)
	count := len(n.byBox[sub.mailbox])
	if l.ByCaller {
		count = n.byUser[sub.account]
	}
	if count >= l.Subscriptions {
		return 0
	}
	n.byUser[sub.account]++
	if n.byBox[sub.mailbox] == nil {
		n.byBox[sub.mailbox] = map[*subscription]bool{}
	}
	sub.first, sub.used = n.seq, now
	n.byID[sub.id], n.byBox[sub.mailbox][sub] = sub, true
	return count + 1
}

// sweep forgets subscriptions that nobody asked for in their time. With the lock held.
func (n *notifier) sweep(now time.Time) {
	for _, sub := range n.byID {
		if sub.stream == nil && now.Sub(sub.used) > sub.timeout {
			n.drop(sub)
		}
	}
}

// drop forgets one. With the lock held.
func (n *notifier) drop(sub *subscription) {
	delete(n.byID, sub.id)
	if n.byUser[sub.account]--; n.byUser[sub.account] <= 0 {
		delete(n.byUser, sub.account)
	}
	delete(n.byBox[sub.mailbox], sub)
	if len(n.byBox[sub.mailbox]) == 0 {
		delete(n.byBox, sub.mailbox)
	}
	if sub.stream != nil {
		sub.stream.ring()
	}
}

// lose forgets the subscriptions of a mailbox, 0 for all, as a server that was restarted does.
func (n *notifier) lose(mailbox int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, sub := range n.byID {
		if mailbox == 0 || sub.mailbox == mailbox {
			n.drop(sub)
		}
	}
}

// opSubscribe begins a subscription.
func (s *Server) opSubscribe(c *call) (*node, error) {
	return c.messages(1, func(int) ([]*node, error) {
		if len(c.req.Kids) != 1 {
			return nil, invalid("the element 'Subscribe' has no subscription request.")
		}
		req := c.req.Kids[0]
		sub := &subscription{account: c.account, types: map[string]bool{}, timeout: streamLife}
		switch req.Name {
		case "StreamingSubscriptionRequest":
			sub.streaming = true
		case "PullSubscriptionRequest":
			minutes, err := strconv.Atoi(strings.TrimSpace(req.text("Timeout")))
			if err != nil || minutes < 1 || minutes > 1440 {
				return nil, invalid("the 'Timeout' must lie between 1 and 1440.")
			}
			sub.timeout = time.Duration(minutes) * time.Minute
		case "PushSubscriptionRequest":
			return nil, fail("ErrorInvalidPushSubscriptionUrl", "This server sends no notifications to other addresses; use streaming or pull.")
		default:
			return nil, invalid("the element '%s' is not known.", req.Name)
		}
		if req.text("Watermark") != "" {
			// Events of before the subscription are not kept.
			return nil, fail("ErrorInvalidWatermark", "The watermark used for creating this subscription was not found.")
		}
		if err := s.subscribed(c, req, sub); err != nil {
			return nil, err
		}
		parts := []*node{m("SubscriptionId", sub.id)}
		if !sub.streaming {
			parts = append(parts, m("Watermark", watermark(sub.first)))
		}
		return parts, nil
	})
}

// subscribed fills in what is asked for and registers it.
func (s *Server) subscribed(c *call, req *node, sub *subscription) error {
	for _, e := range req.kid("EventTypes").all("EventType") {
		sub.types[strings.TrimSpace(e.Text)] = true
	}
	if len(sub.types) == 0 {
		return invalid("the 'EventTypes' are missing.")
	}
	sub.all = isTrue(req.attr("SubscribeToAllFolders"))
	refs := req.kid("FolderIds").kids()
	if sub.all == (len(refs) > 0) {
		return fail("ErrorInvalidSubscriptionRequest", "Either folders or all folders must be asked for.")
	}
	if sub.all {
		if c.me == nil {
			return fail("ErrorInvalidSubscriptionRequest", "The account has no mailbox.")
		}
		sub.mailbox = c.me.ID
	}
	err := c.view(func(x *tx) error {
		sub.folders = map[int64]bool{}
		for _, ref := range refs {
			f, err := c.openFolder(x, ref, mayRead)
			if err != nil {
				return err
			}
			if sub.mailbox != 0 && sub.mailbox != f.Mailbox {
				return fail("ErrorInvalidSubscriptionRequest", "The folders must all lie in one mailbox.")
			}
			sub.mailbox, sub.folders[f.ID] = f.Mailbox, true
		}
		return nil
	})
	if err != nil {
		return err
	}
	sub.id = subscriptionID(sub.mailbox)
	limits := s.limiter.inForce()
	count := s.bells.add(sub, limits, s.now())
	if count == 0 {
		s.limiter.refused(LimitSubscriptions)
		return &failure{Code: "ErrorExceededSubscriptionCount", Text: "You have exceeded the available subscriptions for your account.  Remove unnecessary subscriptions and try your request again.",
			Values: []attr{{"PolicyLimit", itoa(limits.Subscriptions)}}}
	}
	s.limiter.note(LimitSubscriptions, count)
	return nil
}

// subscriptionID makes an identifier; it carries the mailbox, as Exchange's carries the server.
func subscriptionID(mailbox int64) string {
	u := uuid.New()
	b := append([]byte("lab"), binary.BigEndian.AppendUint64(nil, uint64(mailbox))...)
	return base64.StdEncoding.EncodeToString(append(b, u[:]...))
}

// watermark makes one of an event's number.
func watermark(seq int64) string {
	b := binary.BigEndian.AppendUint64([]byte("wm"), uint64(seq))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)))
}

func parseWatermark(s string) (int64, error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil || len(b) != 14 || crc32.ChecksumIEEE(b[:10]) != binary.BigEndian.Uint32(b[10:]) {
		return 0, fail("ErrorInvalidWatermark", "The watermark is invalid.")
	}
	return int64(binary.BigEndian.Uint64(b[2:])), nil
}

// find looks a subscription up for an account. With the lock held.
func (n *notifier) find(c *call, id string, now time.Time) (*subscription, error) {
	n.sweep(now)
	sub := n.byID[strings.TrimSpace(id)]
	if sub == nil {
		return nil, fail("ErrorSubscriptionNotFound", "The specified subscription was not found.")
	}
	if !c.service && sub.account != c.account {
		return nil, fail("ErrorSubscriptionAccessDenied", "You must be the owner of this subscription to use it.")
	}
	return sub, nil
}

// opUnsubscribe ends a subscription.
func (s *Server) opUnsubscribe(c *call) (*node, error) {
	return c.messages(1, func(int) ([]*node, error) {
		s.bells.mu.Lock()
		defer s.bells.mu.Unlock()
		sub, err := s.bells.find(c, c.req.text("SubscriptionId"), s.now())
		if err != nil {
			return nil, err
		}
		s.bells.drop(sub)
		return nil, nil
	})
}

// opGetEvents answers what a pull subscription kept since a watermark, or that nothing happened.
func (s *Server) opGetEvents(c *call) (*node, error) {
	return c.messages(1, func(int) ([]*node, error) {
		since, err := parseWatermark(c.req.text("Watermark"))
		if err != nil {
			return nil, err
		}
		s.bells.mu.Lock()
		defer s.bells.mu.Unlock()
		sub, err := s.bells.find(c, c.req.text("SubscriptionId"), s.now())
		if err != nil {
			return nil, err
		}
		if sub.streaming {
			return nil, fail("ErrorInvalidSubscription", "The subscription is a streaming one.")
		}
		sub.used = s.now()
		if sub.missed {
			s.bells.drop(sub)
			return nil, fail("ErrorMissedNotificationEvents", "Events were missed.")
		}
		if since < sub.first || since > s.bells.seq {
			return nil, fail("ErrorInvalidWatermark", "The watermark is invalid.")
		}
		for len(sub.events) > 0 && sub.events[0].seq <= since {
			sub.first, sub.events = sub.events[0].seq, sub.events[1:]
		}
		give := sub.events[:min(len(sub.events), eventsPerAnswer)]
		n := m("Notification", t("SubscriptionId", sub.id), t("PreviousWatermark", watermark(since)), t("MoreEvents", len(give) < len(sub.events)))
		for _, e := range give {
			n.add(e.node(true))
		}
		if len(give) == 0 {
			n.add(t("StatusEvent", t("Watermark", watermark(s.bells.seq))))
		}
		return []*node{n}, nil
	})
}

// node writes an event.
func (e event) node(marked bool) *node {
	c := e.change
	n := t(e.kind)
	if marked {
		n.add(t("Watermark", watermark(e.seq)))
	}
	n.add(t("TimeStamp", c.At))
	folderID := func(name string, row int64) *node {
		return t(name, at("Id", id{Kind: kindFolder, Mailbox: c.Mailbox, Row: row}.String()))
	}
	itemID := func(name string, row int64) *node {
		return t(name, at("Id", id{Kind: kindItem, Mailbox: c.Mailbox, Row: row}.String()), at("ChangeKey", changeKey(kindItem, c.Mod)))
	}
	if c.Item == 0 {
		n.add(folderID("FolderId", c.Folder), folderID("ParentFolderId", c.Parent))
	} else {
		n.add(itemID("ItemId", c.Item), folderID("ParentFolderId", c.Folder))
	}
	if c.Kind == moved || c.Kind == copied {
		if c.Item == 0 {
			n.add(folderID("OldFolderId", c.Folder), folderID("OldParentFolderId", c.OldParent))
		} else {
			n.add(itemID("OldItemId", c.OldItem), folderID("OldParentFolderId", c.OldFolder))
		}
	}
	if c.Unread != nil {
		n.add(t("UnreadCount", *c.Unread))
	}
	return n
}
