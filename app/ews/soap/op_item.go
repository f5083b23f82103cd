package soap

// Items: found, read, made, changed, moved, deleted, followed.

// What becomes of a message that is made or changed.
const (
	SaveOnly        = "SaveOnly"
	SendOnly        = "SendOnly"
	SendAndSaveCopy = "SendAndSaveCopy"
)

// Who is told of an appointment that is made, changed or deleted. The two "Changed" are for
// changes only.
const (
	SendToNone               = "SendToNone"
	SendOnlyToAll            = "SendOnlyToAll"
	SendOnlyToChanged        = "SendOnlyToChanged"
	SendToAllAndSaveCopy     = "SendToAllAndSaveCopy"
	SendToChangedAndSaveCopy = "SendToChangedAndSaveCopy"
)

// What to do when the item has changed since it was read.
const (
	NeverOverwrite  = "NeverOverwrite"
	AutoResolve     = "AutoResolve"
	AlwaysOverwrite = "AlwaysOverwrite"
)

// How an item is deleted.
const (
	HardDelete         = "HardDelete"
	SoftDelete         = "SoftDelete"
	MoveToDeletedItems = "MoveToDeletedItems"
)

// ItemMessage is the answer about one item of the request.
type ItemMessage struct {
	ResponseMessage
	Items []AnyItem `ews:"m:Items>*"`
}

// FindItem looks for items in Parents; Traversal is Shallow, SoftDeleted or Associated. At most
// one of Page and View is set; beside a View no Restriction and no Sort is allowed.
type FindItem struct {
	Traversal   string        `ews:"@Traversal,always"`
	Shape       ItemShape     `ews:"m:ItemShape,always"`
	Page        *IndexedPage  `ews:"m:IndexedPageItemView"`
	View        *CalendarView `ews:"m:CalendarView"`
	Restriction *Restriction  `ews:"m:Restriction"`
	Sort        []FieldOrder  `ews:"m:SortOrder>t:FieldOrder"`
	Parents     []FolderRef   `ews:"m:ParentFolderIds>*"`
	Query       string        `ews:"m:QueryString"`
}

// FoundItems is one page of items.
type FoundItems struct {
	Paging
	Items []AnyItem `ews:"t:Items>*"`
}

// FindItemMessage is what was found in one folder.
type FindItemMessage struct {
	ResponseMessage
	Root *FoundItems `ews:"m:RootFolder"`
}

// FindItemResponse has one message for each folder.
type FindItemResponse struct {
	Messages []FindItemMessage `ews:"m:ResponseMessages>m:FindItemResponseMessage"`
}

// GetItem reads items.
type GetItem struct {
	Shape ItemShape `ews:"m:ItemShape,always"`
	Items []ItemRef `ews:"m:ItemIds>*"`
}

// GetItemResponse has one message for each item.
type GetItemResponse struct {
	Messages []ItemMessage `ews:"m:ResponseMessages>m:GetItemResponseMessage"`
}

// CreateItem makes items, or answers to items. SendInvitations is required for appointments.
type CreateItem struct {
	Disposition     string     `ews:"@MessageDisposition"`
	SendInvitations string     `ews:"@SendMeetingInvitations"`
	Folder          *FolderRef `ews:"m:SavedItemFolderId"`
	Items           []NewItem  `ews:"m:Items>*"`
}

// CreateItemResponse has one message for each item.
type CreateItemResponse struct {
	Messages []ItemMessage `ews:"m:ResponseMessages>m:CreateItemResponseMessage"`
}

// UpdateItem changes items. ConflictResolution is required, and SendInvitations for appointments.
type UpdateItem struct {
	ConflictResolution string       `ews:"@ConflictResolution,always"`
	Disposition        string       `ews:"@MessageDisposition"`
	SendInvitations    string       `ews:"@SendMeetingInvitationsOrCancellations"`
	Folder             *FolderRef   `ews:"m:SavedItemFolderId"`
	Changes            []ItemChange `ews:"m:ItemChanges>t:ItemChange"`
}

// ItemChange is the changes of one item.
type ItemChange struct {
	Item    *ItemRef `ews:"*"`
	Updates []Update `ews:"t:Updates>?,always"`
}

// Update is one change of one property: Set, Append and Delete make them.
type Update struct {
	Kind string       `ews:"!"`
	Path *PathElement `ews:"*"`
	Item *AnyItem     `ews:"*"`
}

// Set gives the property p the value that it has in item; every other property of item is left
// empty. An empty text cannot be set: Delete the property instead.
func Set(p Path, item AnyItem) Update {
	return Update{Kind: "SetItemField", Path: element(p), Item: &item}
}

// Append adds to the property p (the body, lists of recipients) what it has in item.
func Append(p Path, item AnyItem) Update {
	return Update{Kind: "AppendToItemField", Path: element(p), Item: &item}
}

// Delete takes the property p away.
func Delete(p Path) Update { return Update{Kind: "DeleteItemField", Path: element(p)} }

// ConflictResults counts the changes that were lost to others'.
type ConflictResults struct {
	Count int `ews:"t:Count,always"`
}

// UpdateItemMessage is the answer about one item.
type UpdateItemMessage struct {
	ItemMessage
	Conflicts *ConflictResults `ews:"m:ConflictResults"`
}

// UpdateItemResponse has one message for each item.
type UpdateItemResponse struct {
	Messages []UpdateItemMessage `ews:"m:ResponseMessages>m:UpdateItemResponseMessage"`
}

// DeleteItem deletes items. SendCancellations is required for appointments.
type DeleteItem struct {
	DeleteType        string    `ews:"@DeleteType,always"`
	SendCancellations string    `ews:"@SendMeetingCancellations"`
	AffectedTasks     string    `ews:"@AffectedTaskOccurrences"`
	Items             []ItemRef `ews:"m:ItemIds>*"`
}

// DeleteItemResponse has one message for each item.
type DeleteItemResponse struct {
	Messages []ItemMessage `ews:"m:ResponseMessages>m:DeleteItemResponseMessage"`
}

// MoveItem moves items into another folder.
type MoveItem struct {
	To           FolderRef `ews:"m:ToFolderId,always"`
	Items        []ItemRef `ews:"m:ItemIds>*"`
	ReturnNewIDs *bool     `ews:"m:ReturnNewItemIds"`
}

// MoveItemResponse has one message for each item, with its new id.
type MoveItemResponse struct {
	Messages []ItemMessage `ews:"m:ResponseMessages>m:MoveItemResponseMessage"`
}

// SyncFolderItems asks what changed in Folder since State ("" = everything there is), at most Max
// (1..512) changes at a time. Scope is NormalItems or NormalAndAssociatedItems, "" for the former.
type SyncFolderItems struct {
	Shape  ItemShape `ews:"m:ItemShape,always"`
	Folder FolderRef `ews:"m:SyncFolderId,always"`
	State  string    `ews:"m:SyncState"`
	Ignore []ItemID  `ews:"m:Ignore>t:ItemId"`
	Max    int       `ews:"m:MaxChangesReturned,always"`
	Scope  string    `ews:"m:SyncScope"`
}

// ItemSyncChange is one change. Kind is Create, Update, Delete or ReadFlagChange; for the last two
// ItemID is set, for the first two Item.
type ItemSyncChange struct {
	Kind   string  `ews:"!"`
	ItemID *ItemID `ews:"t:ItemId"`
	IsRead *bool   `ews:"t:IsRead"`
	Item   AnyItem `ews:"*"`
}

// SyncFolderItemsMessage is the changes and the new state; where IncludesLast is false there is
// more, to be asked for with the new state.
type SyncFolderItemsMessage struct {
	ResponseMessage
	State        string           `ews:"m:SyncState"`
	IncludesLast *bool            `ews:"m:IncludesLastItemInRange"`
	Changes      []ItemSyncChange `ews:"m:Changes>?"`
}

// SyncFolderItemsResponse has one message.
type SyncFolderItemsResponse struct {
	Messages []SyncFolderItemsMessage `ews:"m:ResponseMessages>m:SyncFolderItemsResponseMessage"`
}
