package ewslab

// Exchange's limits: how much an account may ask for at once. What is over them is refused as the throttling policy refuses it, and counted.

// Limits are those of a throttling policy. A zero field does not limit, but for streams, their subscriptions and subscriptions, which
// always have Exchange's bound, as one answer to a find has.
type Limits struct {
	// Requests is how many requests an account may have under way at once, streams apart (EWSMaxConcurrency): one more is the fault
	// ErrorExceededConnectionCount.
	Requests int `json:"requests,omitempty"`
	// Syncs is how many of them may be SyncFolderItems or SyncFolderHierarchy (ConcurrentSyncCalls): one more is answered ErrorServerBusy.
	Syncs int `json:"syncs,omitempty"`
	// Streams is how many streaming connections an account may hold (HangingConnectionLimit): one more is ErrorExceededConnectionCount.
	Streams int `json:"streams,omitempty"`
	// StreamSubscriptions is how many subscriptions one of them carries: more are no valid request.
	StreamSubscriptions int `json:"stream_subscriptions,omitempty"`
	// Subscriptions is how many live subscriptions an account may have (EWSMaxSubscriptions): one more is ErrorExceededSubscriptionCount.
	Subscriptions int `json:"subscriptions,omitempty"`
	// Find is how many objects all answers to FindItem and FindFolder that are under way may hold together (EWSFindCountLimit), Search
	// how many one with a restriction or a query may. A page becomes shorter; what did not ask for pages is
	// ErrorExceededFindCountLimit, and to clients of Exchange 2010 and older ErrorServerBusy.
	Find   int `json:"find,omitempty"`
	Search int `json:"search,omitempty"`
	// Rate is how many requests a minute an account may make in the long run, a minute's worth of them at once: one more is
	// ErrorServerBusy with the wait as BackOffMilliseconds. It stands for the budget of server time, which would depend on the machine.
	Rate int `json:"rate,omitempty"`
	// ByCaller charges everything to the account that signed in, as Exchange did before 2010 SP2. Else what a service account does is
	// charged to a budget of its own for each mailbox that it acts for, and subscriptions to the mailbox that they watch.
	ByCaller bool `json:"by_caller,omitempty"`
	// Queued answers the faults ErrorServerBusy as HTTP 503 with Retry-After, as the web server in front does.
	Queued bool `json:"queued,omitempty"`
}

// ExchangeLimits are the policy that Exchange 2016 and 2019 come with.
func ExchangeLimits() Limits {
	return Limits{Requests: 27, Syncs: 5, Streams: maxStreams, StreamSubscriptions: maxStreamSubscriptions, Subscriptions: maxSubscriptions, Find: maxFind, Search: 250}
}

// withUsual fills in what is limited always.
func (l Limits) withUsual() Limits {
	for _, f := range []struct {
		field *int
		usual int
	}{{&l.Streams, maxStreams}, {&l.StreamSubscriptions, maxStreamSubscriptions}, {&l.Subscriptions, maxSubscriptions}} {
		if *f.field <= 0 {
			*f.field = f.usual
		}
	}
	return l
}

// What is limited, as Usage names it.
const (
	LimitRequests            = "requests"
	LimitSyncs               = "syncs"
	LimitStreams             = "streams"
	LimitStreamSubscriptions = "stream_subscriptions"
	LimitSubscriptions       = "subscriptions"
	LimitFind                = "find"
	LimitRate                = "rate"
)

// Usage is what was asked for since the limits were set.
type Usage struct {
	// Refused counts refusals by what was limited.
	Refused map[string]int64 `json:"refused"`
	// Most is the highest use of one account by what is limited; of stream_subscriptions that of one connection.
	Most map[string]int `json:"most"`
	// Served is how many requests were begun.
	Served int64 `json:"served"`
}

// Refusals is how often anything was refused.
func (u Usage) Refusals() (n int64) {
	for _, one := range u.Refused {
		n += one
	}
	return n
}
