package soap

// Folders: looked up, found, made, followed.

// Permission is what one user may do with a folder. UserId.Distinguished is "Default" or
// "Anonymous". ReadItems of a calendar is None, TimeOnly, TimeAndSubjectAndLocation or
// FullDetails; Level one of None, Owner, PublishingEditor, Editor, PublishingAuthor, Author,
// NoneditingAuthor, Reviewer, Contributor, FreeBusyTimeOnly, FreeBusyTimeAndSubjectAndLocation, Custom.
type Permission struct {
	UserID              UserID `ews:"t:UserId,always"`
	CanCreateItems      *bool  `ews:"t:CanCreateItems"`
	CanCreateSubFolders *bool  `ews:"t:CanCreateSubFolders"`
	IsFolderOwner       *bool  `ews:"t:IsFolderOwner"`
	IsFolderVisible     *bool  `ews:"t:IsFolderVisible"`
	IsFolderContact     *bool  `ews:"t:IsFolderContact"`
	EditItems           string `ews:"t:EditItems"`
	DeleteItems         string `ews:"t:DeleteItems"`
	ReadItems           string `ews:"t:ReadItems"`
	CalendarLevel       string `ews:"t:CalendarPermissionLevel"`
	Level               string `ews:"t:PermissionLevel"`
}

// PermissionSet is who may do what with a folder.
type PermissionSet struct {
	Permissions         []Permission `ews:"t:Permissions>t:Permission"`
	CalendarPermissions []Permission `ews:"t:CalendarPermissions>t:CalendarPermission"`
}

// Folder is one folder of any kind: Kind is the name of its element (Folder, CalendarFolder,
// ContactsFolder, SearchFolder, TasksFolder).
type Folder struct {
	Kind                  string             `ews:"!"`
	FolderID              *FolderID          `ews:"t:FolderId"`
	ParentFolderID        *FolderID          `ews:"t:ParentFolderId"`
	FolderClass           string             `ews:"t:FolderClass"`
	DisplayName           string             `ews:"t:DisplayName"`
	TotalCount            *int               `ews:"t:TotalCount"`
	ChildFolderCount      *int               `ews:"t:ChildFolderCount"`
	ExtendedProperties    []ExtendedProperty `ews:"t:ExtendedProperty"`
	EffectiveRights       *EffectiveRights   `ews:"t:EffectiveRights"`
	DistinguishedFolderID string             `ews:"t:DistinguishedFolderId"`
	SharingRights         string             `ews:"t:SharingEffectiveRights"`
	PermissionSet         *PermissionSet     `ews:"t:PermissionSet"`
	UnreadCount           *int               `ews:"t:UnreadCount"`
}

// FolderMessage is the answer about one folder of the request.
type FolderMessage struct {
	ResponseMessage
	Folders []Folder `ews:"m:Folders>?"`
}

// GetFolder asks for folders.
type GetFolder struct {
	Shape   FolderShape `ews:"m:FolderShape,always"`
	Folders []FolderRef `ews:"m:FolderIds>*"`
}

// GetFolderResponse has one message for each folder.
type GetFolderResponse struct {
	Messages []FolderMessage `ews:"m:ResponseMessages>m:GetFolderResponseMessage"`
}

// FindFolder looks for folders under Parents; Traversal is Shallow, Deep or SoftDeleted.
type FindFolder struct {
	Traversal   string       `ews:"@Traversal,always"`
	Shape       FolderShape  `ews:"m:FolderShape,always"`
	Page        *IndexedPage `ews:"m:IndexedPageFolderView"`
	Restriction *Restriction `ews:"m:Restriction"`
	Parents     []FolderRef  `ews:"m:ParentFolderIds>*"`
}

// FoundFolders is one page of folders.
type FoundFolders struct {
	Paging
	Folders []Folder `ews:"t:Folders>?"`
}

// FindFolderMessage is what was found under one parent.
type FindFolderMessage struct {
	ResponseMessage
	Root *FoundFolders `ews:"m:RootFolder"`
}

// FindFolderResponse has one message for each parent.
type FindFolderResponse struct {
	Messages []FindFolderMessage `ews:"m:ResponseMessages>m:FindFolderResponseMessage"`
}

// CreateFolder makes folders in Parent.
type CreateFolder struct {
	Parent  FolderRef `ews:"m:ParentFolderId,always"`
	Folders []Folder  `ews:"m:Folders>?"`
}

// CreateFolderResponse has one message for each folder.
type CreateFolderResponse struct {
	Messages []FolderMessage `ews:"m:ResponseMessages>m:CreateFolderResponseMessage"`
}

// SyncFolderHierarchy asks what changed in the tree of folders since State ("" = everything).
type SyncFolderHierarchy struct {
	Shape  FolderShape `ews:"m:FolderShape,always"`
	Folder *FolderRef  `ews:"m:SyncFolderId"`
	State  string      `ews:"m:SyncState"`
}

// FolderChange is one change. Kind is Create, Update or Delete; for Delete only FolderID is set.
type FolderChange struct {
	Kind     string    `ews:"!"`
	FolderID *FolderID `ews:"t:FolderId"`
	Folder   *Folder   `ews:"?"`
}

// SyncFolderHierarchyMessage is the changes and the new state.
type SyncFolderHierarchyMessage struct {
	ResponseMessage
	State        string         `ews:"m:SyncState"`
	IncludesLast *bool          `ews:"m:IncludesLastFolderInRange"`
	Changes      []FolderChange `ews:"m:Changes>?"`
}

// SyncFolderHierarchyResponse has one message.
type SyncFolderHierarchyResponse struct {
	Messages []SyncFolderHierarchyMessage `ews:"m:ResponseMessages>m:SyncFolderHierarchyResponseMessage"`
}
