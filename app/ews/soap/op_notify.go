package soap

// Notifications: subscriptions, pulled and streamed.

// Kinds of events.
const (
	CopiedEvent          = "CopiedEvent"
	CreatedEvent         = "CreatedEvent"
	DeletedEvent         = "DeletedEvent"
	ModifiedEvent        = "ModifiedEvent"
	MovedEvent           = "MovedEvent"
	NewMailEvent         = "NewMailEvent"
	FreeBusyChangedEvent = "FreeBusyChangedEvent"
	StatusEvent          = "StatusEvent"
)

// PullSubscription is asked for events with GetEvents. Timeout is in minutes (1..1440).
type PullSubscription struct {
	AllFolders *bool       `ews:"@SubscribeToAllFolders"`
	Folders    []FolderRef `ews:"t:FolderIds>*"`
	Events     []string    `ews:"t:EventTypes>t:EventType,always"`
	Watermark  string      `ews:"t:Watermark"`
	Timeout    int         `ews:"t:Timeout,always"`
}

// StreamingSubscription is listened to with Stream.
type StreamingSubscription struct {
	AllFolders *bool       `ews:"@SubscribeToAllFolders"`
	Folders    []FolderRef `ews:"t:FolderIds>*"`
	Events     []string    `ews:"t:EventTypes>t:EventType,always"`
}

// Subscribe asks to be told of events; exactly one field is set.
type Subscribe struct {
	Pull      *PullSubscription      `ews:"m:PullSubscriptionRequest"`
	Streaming *StreamingSubscription `ews:"m:StreamingSubscriptionRequest"`
}

// SubscribeMessage names the subscription; streaming ones have no watermark.
type SubscribeMessage struct {
	ResponseMessage
	SubscriptionID string `ews:"m:SubscriptionId"`
	Watermark      string `ews:"m:Watermark"`
}

// SubscribeResponse has one message.
type SubscribeResponse struct {
	Messages []SubscribeMessage `ews:"m:ResponseMessages>m:SubscribeResponseMessage"`
}

// GetEvents pulls the events of a subscription since Watermark.
type GetEvents struct {
	SubscriptionID string `ews:"m:SubscriptionId,always"`
	Watermark      string `ews:"m:Watermark,always"`
}

// Event is one event; Kind is CreatedEvent … The object is a folder or an item.
type Event struct {
	Kind              string    `ews:"!"`
	Watermark         string    `ews:"t:Watermark"`
	TimeStamp         *DateTime `ews:"t:TimeStamp"`
	FolderID          *FolderID `ews:"t:FolderId"`
	ItemID            *ItemID   `ews:"t:ItemId"`
	ParentFolderID    *FolderID `ews:"t:ParentFolderId"`
	OldFolderID       *FolderID `ews:"t:OldFolderId"`
	OldItemID         *ItemID   `ews:"t:OldItemId"`
	OldParentFolderID *FolderID `ews:"t:OldParentFolderId"`
	UnreadCount       *int      `ews:"t:UnreadCount"`
}

// Notification is the events of one subscription.
type Notification struct {
	SubscriptionID    string  `ews:"t:SubscriptionId"`
	PreviousWatermark string  `ews:"t:PreviousWatermark"`
	MoreEvents        *bool   `ews:"t:MoreEvents"`
	Events            []Event `ews:"?"`
}

// GetEventsMessage is the events of the subscription.
type GetEventsMessage struct {
	ResponseMessage
	Notification *Notification `ews:"m:Notification"`
}

// GetEventsResponse has one message.
type GetEventsResponse struct {
	Messages []GetEventsMessage `ews:"m:ResponseMessages>m:GetEventsResponseMessage"`
}

// GetStreamingEvents opens a stream of events of at most 200 subscriptions for some minutes (1..30).
type GetStreamingEvents struct {
	SubscriptionIDs []string `ews:"m:SubscriptionIds>t:SubscriptionId,always"`
	Minutes         int      `ews:"m:ConnectionTimeout,always"`
}

// StreamingMessage is one sign on a stream. ConnectionStatus is OK, Closed or "".
type StreamingMessage struct {
	ResponseMessage
	Notifications    []Notification `ews:"m:Notifications>t:Notification"`
	ErrorIDs         []string       `ews:"m:ErrorSubscriptionIds>t:SubscriptionId"`
	ConnectionStatus string         `ews:"m:ConnectionStatus"`
}

// GetStreamingEventsResponse is the content of one envelope of a stream.
type GetStreamingEventsResponse struct {
	Messages []StreamingMessage `ews:"m:ResponseMessages>m:GetStreamingEventsResponseMessage"`
}

// Unsubscribe ends a subscription.
type Unsubscribe struct {
	SubscriptionID string `ews:"m:SubscriptionId,always"`
}

// UnsubscribeMessage tells whether it ended.
type UnsubscribeMessage struct {
	ResponseMessage
}

// UnsubscribeResponse has one message.
type UnsubscribeResponse struct {
	Messages []UnsubscribeMessage `ews:"m:ResponseMessages>m:UnsubscribeResponseMessage"`
}
