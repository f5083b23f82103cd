package soap

import "context"

// The operations: each takes its request and on whose behalf it is made, and gives the response.
//
// The error is of the request as a whole. What became of each part stands in the response's
// messages (Err), in the order of the request; a response whose only message is the response
// itself gives its refusal as the error of the call.

// operation is what the client has to know of a request.
type operation struct {
	element string // the request's element in the messages namespace
	repeat  bool   // doing it twice is the same as doing it once
	stream  bool   // the answer stays open
	sync    bool   // of those that Exchange lets an account have few of at once
}

// request is any of the operations' request structs.
type request interface{ op() operation }

// response is any of the operations' response structs; heads gives the outcome of its parts.
type response[T any] interface {
	*T
	heads() []*ResponseMessage
}

// message is any response message: it embeds a ResponseMessage.
type message[T any] interface {
	*T
	head() *ResponseMessage
}

func headsOf[T any, P message[T]](messages []T) []*ResponseMessage {
	out := make([]*ResponseMessage, len(messages))
	for i := range messages {
		out[i] = P(&messages[i]).head()
	}
	return out
}

// GetFolder asks for folders.
func (c *Client) GetFolder(ctx context.Context, as As, req *GetFolder) (*GetFolderResponse, error) {
	return call[GetFolderResponse](ctx, c, as, req)
}

func (*GetFolder) op() operation { return operation{element: "GetFolder", repeat: true} }

func (r *GetFolderResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// FindFolder looks for folders.
func (c *Client) FindFolder(ctx context.Context, as As, req *FindFolder) (*FindFolderResponse, error) {
	return call[FindFolderResponse](ctx, c, as, req)
}

func (*FindFolder) op() operation { return operation{element: "FindFolder", repeat: true} }

func (r *FindFolderResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// CreateFolder makes folders.
func (c *Client) CreateFolder(ctx context.Context, as As, req *CreateFolder) (*CreateFolderResponse, error) {
	return call[CreateFolderResponse](ctx, c, as, req)
}

func (*CreateFolder) op() operation { return operation{element: "CreateFolder", repeat: false} }

func (r *CreateFolderResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// SyncFolderHierarchy asks what changed in the tree of folders.
func (c *Client) SyncFolderHierarchy(ctx context.Context, as As, req *SyncFolderHierarchy) (*SyncFolderHierarchyResponse, error) {
	return call[SyncFolderHierarchyResponse](ctx, c, as, req)
}

func (*SyncFolderHierarchy) op() operation {
	return operation{element: "SyncFolderHierarchy", repeat: true, sync: true}
}

func (r *SyncFolderHierarchyResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// FindItem looks for items.
func (c *Client) FindItem(ctx context.Context, as As, req *FindItem) (*FindItemResponse, error) {
	return call[FindItemResponse](ctx, c, as, req)
}

func (*FindItem) op() operation { return operation{element: "FindItem", repeat: true} }

func (r *FindItemResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// GetItem reads items.
func (c *Client) GetItem(ctx context.Context, as As, req *GetItem) (*GetItemResponse, error) {
	return call[GetItemResponse](ctx, c, as, req)
}

func (*GetItem) op() operation { return operation{element: "GetItem", repeat: true} }

func (r *GetItemResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// CreateItem makes items or answers to items.
func (c *Client) CreateItem(ctx context.Context, as As, req *CreateItem) (*CreateItemResponse, error) {
	return call[CreateItemResponse](ctx, c, as, req)
}

func (*CreateItem) op() operation { return operation{element: "CreateItem", repeat: false} }

func (r *CreateItemResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// UpdateItem changes items.
func (c *Client) UpdateItem(ctx context.Context, as As, req *UpdateItem) (*UpdateItemResponse, error) {
	return call[UpdateItemResponse](ctx, c, as, req)
}

func (*UpdateItem) op() operation { return operation{element: "UpdateItem", repeat: false} }

func (r *UpdateItemResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// DeleteItem deletes items.
func (c *Client) DeleteItem(ctx context.Context, as As, req *DeleteItem) (*DeleteItemResponse, error) {
	return call[DeleteItemResponse](ctx, c, as, req)
}

func (*DeleteItem) op() operation { return operation{element: "DeleteItem", repeat: false} }

func (r *DeleteItemResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// MoveItem moves items into another folder.
func (c *Client) MoveItem(ctx context.Context, as As, req *MoveItem) (*MoveItemResponse, error) {
	return call[MoveItemResponse](ctx, c, as, req)
}

func (*MoveItem) op() operation { return operation{element: "MoveItem", repeat: false} }

func (r *MoveItemResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// SyncFolderItems asks what changed in a folder.
func (c *Client) SyncFolderItems(ctx context.Context, as As, req *SyncFolderItems) (*SyncFolderItemsResponse, error) {
	return call[SyncFolderItemsResponse](ctx, c, as, req)
}

func (*SyncFolderItems) op() operation {
	return operation{element: "SyncFolderItems", repeat: true, sync: true}
}

func (r *SyncFolderItemsResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// GetUserAvailability asks for free/busy, working hours and suggestions.
func (c *Client) GetUserAvailability(ctx context.Context, as As, req *GetUserAvailability) (*GetUserAvailabilityResponse, error) {
	return call[GetUserAvailabilityResponse](ctx, c, as, req)
}

func (*GetUserAvailability) op() operation {
	return operation{element: "GetUserAvailabilityRequest", repeat: true}
}

func (r *GetUserAvailabilityResponse) heads() []*ResponseMessage {
	out := make([]*ResponseMessage, 0, len(r.FreeBusy)+1)
	for i := range r.FreeBusy {
		out = append(out, &r.FreeBusy[i].Message)
	}
	if r.Suggestions != nil {
		out = append(out, &r.Suggestions.Message)
	}
	return out
}

// GetUserOofSettings asks for an out-of-office setting.
func (c *Client) GetUserOofSettings(ctx context.Context, as As, req *GetUserOofSettings) (*GetUserOofSettingsResponse, error) {
	return call[GetUserOofSettingsResponse](ctx, c, as, req)
}

func (*GetUserOofSettings) op() operation {
	return operation{element: "GetUserOofSettingsRequest", repeat: true}
}

func (r *GetUserOofSettingsResponse) heads() []*ResponseMessage { return []*ResponseMessage{r.whole()} }

func (r *GetUserOofSettingsResponse) whole() *ResponseMessage { return &r.Message }

// SetUserOofSettings changes an out-of-office setting.
func (c *Client) SetUserOofSettings(ctx context.Context, as As, req *SetUserOofSettings) (*SetUserOofSettingsResponse, error) {
	return call[SetUserOofSettingsResponse](ctx, c, as, req)
}

func (*SetUserOofSettings) op() operation {
	return operation{element: "SetUserOofSettingsRequest", repeat: true}
}

func (r *SetUserOofSettingsResponse) heads() []*ResponseMessage { return []*ResponseMessage{r.whole()} }

func (r *SetUserOofSettingsResponse) whole() *ResponseMessage { return &r.Message }

// GetMailTips asks what to know of recipients.
func (c *Client) GetMailTips(ctx context.Context, as As, req *GetMailTips) (*GetMailTipsResponse, error) {
	return call[GetMailTipsResponse](ctx, c, as, req)
}

func (*GetMailTips) op() operation { return operation{element: "GetMailTips", repeat: true} }

func (r *GetMailTipsResponse) heads() []*ResponseMessage { return []*ResponseMessage{r.whole()} }

func (r *GetMailTipsResponse) whole() *ResponseMessage { return &r.ResponseMessage }

// ResolveNames looks a name up.
func (c *Client) ResolveNames(ctx context.Context, as As, req *ResolveNames) (*ResolveNamesResponse, error) {
	return call[ResolveNamesResponse](ctx, c, as, req)
}

func (*ResolveNames) op() operation { return operation{element: "ResolveNames", repeat: true} }

func (r *ResolveNamesResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// ExpandDL asks for the members of a list.
func (c *Client) ExpandDL(ctx context.Context, as As, req *ExpandDL) (*ExpandDLResponse, error) {
	return call[ExpandDLResponse](ctx, c, as, req)
}

func (*ExpandDL) op() operation { return operation{element: "ExpandDL", repeat: true} }

func (r *ExpandDLResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// FindPeople searches people.
func (c *Client) FindPeople(ctx context.Context, as As, req *FindPeople) (*FindPeopleResponse, error) {
	return call[FindPeopleResponse](ctx, c, as, req)
}

func (*FindPeople) op() operation { return operation{element: "FindPeople", repeat: true} }

func (r *FindPeopleResponse) heads() []*ResponseMessage { return []*ResponseMessage{r.whole()} }

func (r *FindPeopleResponse) whole() *ResponseMessage { return &r.ResponseMessage }

// GetUserPhoto asks for a photo.
func (c *Client) GetUserPhoto(ctx context.Context, as As, req *GetUserPhoto) (*GetUserPhotoResponse, error) {
	return call[GetUserPhotoResponse](ctx, c, as, req)
}

func (*GetUserPhoto) op() operation { return operation{element: "GetUserPhoto", repeat: true} }

func (r *GetUserPhotoResponse) heads() []*ResponseMessage { return []*ResponseMessage{r.whole()} }

func (r *GetUserPhotoResponse) whole() *ResponseMessage { return &r.ResponseMessage }

// GetRoomLists asks for the lists of rooms.
func (c *Client) GetRoomLists(ctx context.Context, as As, req *GetRoomLists) (*GetRoomListsResponse, error) {
	return call[GetRoomListsResponse](ctx, c, as, req)
}

func (*GetRoomLists) op() operation { return operation{element: "GetRoomLists", repeat: true} }

func (r *GetRoomListsResponse) heads() []*ResponseMessage { return []*ResponseMessage{r.whole()} }

func (r *GetRoomListsResponse) whole() *ResponseMessage { return &r.ResponseMessage }

// GetRooms asks for the rooms of a list.
func (c *Client) GetRooms(ctx context.Context, as As, req *GetRooms) (*GetRoomsResponse, error) {
	return call[GetRoomsResponse](ctx, c, as, req)
}

func (*GetRooms) op() operation { return operation{element: "GetRooms", repeat: true} }

func (r *GetRoomsResponse) heads() []*ResponseMessage { return []*ResponseMessage{r.whole()} }

func (r *GetRoomsResponse) whole() *ResponseMessage { return &r.ResponseMessage }

// GetDelegate asks who may act for a mailbox.
func (c *Client) GetDelegate(ctx context.Context, as As, req *GetDelegate) (*GetDelegateResponse, error) {
	return call[GetDelegateResponse](ctx, c, as, req)
}

func (*GetDelegate) op() operation { return operation{element: "GetDelegate", repeat: true} }

func (r *GetDelegateResponse) heads() []*ResponseMessage { return []*ResponseMessage{r.whole()} }

func (r *GetDelegateResponse) whole() *ResponseMessage { return &r.ResponseMessage }

// ConvertID turns ids into another format.
func (c *Client) ConvertID(ctx context.Context, as As, req *ConvertID) (*ConvertIDResponse, error) {
	return call[ConvertIDResponse](ctx, c, as, req)
}

func (*ConvertID) op() operation { return operation{element: "ConvertId", repeat: true} }

func (r *ConvertIDResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// CreateAttachment hangs attachments on an item.
func (c *Client) CreateAttachment(ctx context.Context, as As, req *CreateAttachment) (*CreateAttachmentResponse, error) {
	return call[CreateAttachmentResponse](ctx, c, as, req)
}

func (*CreateAttachment) op() operation { return operation{element: "CreateAttachment", repeat: false} }

func (r *CreateAttachmentResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// GetAttachment reads attachments with their contents.
func (c *Client) GetAttachment(ctx context.Context, as As, req *GetAttachment) (*GetAttachmentResponse, error) {
	return call[GetAttachmentResponse](ctx, c, as, req)
}

func (*GetAttachment) op() operation { return operation{element: "GetAttachment", repeat: true} }

func (r *GetAttachmentResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// DeleteAttachment takes attachments off.
func (c *Client) DeleteAttachment(ctx context.Context, as As, req *DeleteAttachment) (*DeleteAttachmentResponse, error) {
	return call[DeleteAttachmentResponse](ctx, c, as, req)
}

func (*DeleteAttachment) op() operation { return operation{element: "DeleteAttachment", repeat: false} }

func (r *DeleteAttachmentResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// Subscribe asks to be told of events.
func (c *Client) Subscribe(ctx context.Context, as As, req *Subscribe) (*SubscribeResponse, error) {
	return call[SubscribeResponse](ctx, c, as, req)
}

func (*Subscribe) op() operation { return operation{element: "Subscribe", repeat: true} }

func (r *SubscribeResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// GetEvents pulls events.
func (c *Client) GetEvents(ctx context.Context, as As, req *GetEvents) (*GetEventsResponse, error) {
	return call[GetEventsResponse](ctx, c, as, req)
}

func (*GetEvents) op() operation { return operation{element: "GetEvents", repeat: true} }

func (r *GetEventsResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// Unsubscribe ends a subscription.
func (c *Client) Unsubscribe(ctx context.Context, as As, req *Unsubscribe) (*UnsubscribeResponse, error) {
	return call[UnsubscribeResponse](ctx, c, as, req)
}

func (*Unsubscribe) op() operation { return operation{element: "Unsubscribe", repeat: true} }

func (r *UnsubscribeResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

// GetServerTimeZones asks for time zones.
func (c *Client) GetServerTimeZones(ctx context.Context, as As, req *GetServerTimeZones) (*GetServerTimeZonesResponse, error) {
	return call[GetServerTimeZonesResponse](ctx, c, as, req)
}

func (*GetServerTimeZones) op() operation {
	return operation{element: "GetServerTimeZones", repeat: true}
}

func (r *GetServerTimeZonesResponse) heads() []*ResponseMessage { return headsOf(r.Messages) }

func (*GetStreamingEvents) op() operation {
	return operation{element: "GetStreamingEvents", repeat: true, stream: true}
}
