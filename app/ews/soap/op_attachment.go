package soap

// Attachments: put onto an item, read, taken off.

// FileAttachment is a file; Content is base64 on the wire.
type FileAttachment struct {
	AttachmentID     *AttachmentID `ews:"t:AttachmentId"`
	Name             string        `ews:"t:Name"`
	ContentType      string        `ews:"t:ContentType"`
	ContentID        string        `ews:"t:ContentId"`
	ContentLocation  string        `ews:"t:ContentLocation"`
	Size             *int          `ews:"t:Size"`
	LastModifiedTime *DateTime     `ews:"t:LastModifiedTime"`
	IsInline         *bool         `ews:"t:IsInline"`
	IsContactPhoto   *bool         `ews:"t:IsContactPhoto"`
	Content          []byte        `ews:"t:Content"`
}

// ItemAttachment is an item that hangs on another.
type ItemAttachment struct {
	AttachmentID     *AttachmentID `ews:"t:AttachmentId"`
	Name             string        `ews:"t:Name"`
	ContentType      string        `ews:"t:ContentType"`
	ContentID        string        `ews:"t:ContentId"`
	ContentLocation  string        `ews:"t:ContentLocation"`
	Size             *int          `ews:"t:Size"`
	LastModifiedTime *DateTime     `ews:"t:LastModifiedTime"`
	IsInline         *bool         `ews:"t:IsInline"`
	Item             AnyItem       `ews:"*"`
}

// ReferenceAttachment is a link to a file elsewhere.
type ReferenceAttachment struct {
	AttachmentID     *AttachmentID `ews:"t:AttachmentId"`
	Name             string        `ews:"t:Name"`
	ContentType      string        `ews:"t:ContentType"`
	Size             *int          `ews:"t:Size"`
	LastModifiedTime *DateTime     `ews:"t:LastModifiedTime"`
	LongPathName     string        `ews:"t:AttachLongPathName"`
	ProviderType     string        `ews:"t:ProviderType"`
}

// Attachment is one of the three kinds; exactly one is set.
type Attachment struct {
	Item      *ItemAttachment      `ews:"t:ItemAttachment"`
	File      *FileAttachment      `ews:"t:FileAttachment"`
	Reference *ReferenceAttachment `ews:"t:ReferenceAttachment"`
}

// ID gives the attachment's id, the zero AttachmentID where it has none.
func (a *Attachment) ID() AttachmentID {
	var id *AttachmentID
	switch {
	case a.File != nil:
		id = a.File.AttachmentID
	case a.Item != nil:
		id = a.Item.AttachmentID
	case a.Reference != nil:
		id = a.Reference.AttachmentID
	}
	if id == nil {
		return AttachmentID{}
	}
	return *id
}

// CreateAttachment hangs attachments on an item, whose ChangeKey changes by it.
type CreateAttachment struct {
	Parent      ItemID       `ews:"m:ParentItemId,always"`
	Attachments []Attachment `ews:"m:Attachments>*"`
}

// AttachmentMessage is the answer about one attachment.
type AttachmentMessage struct {
	ResponseMessage
	Attachments []Attachment `ews:"m:Attachments>*"`
}

// CreateAttachmentResponse has one message for each attachment; its id tells the item's new ChangeKey.
type CreateAttachmentResponse struct {
	Messages []AttachmentMessage `ews:"m:ResponseMessages>m:CreateAttachmentResponseMessage"`
}

// AttachmentShape says what to tell of attached items.
type AttachmentShape struct {
	IncludeMimeContent   *bool  `ews:"t:IncludeMimeContent"`
	BodyType             string `ews:"t:BodyType"`
	FilterHTMLContent    *bool  `ews:"t:FilterHtmlContent"`
	AdditionalProperties []Path `ews:"t:AdditionalProperties>?"`
}

// AttachmentRef names an attachment in a request.
type AttachmentRef struct {
	ID string `ews:"@Id,always"`
}

// GetAttachment reads attachments with their contents.
type GetAttachment struct {
	Shape *AttachmentShape `ews:"m:AttachmentShape"`
	IDs   []AttachmentRef  `ews:"m:AttachmentIds>t:AttachmentId,always"`
}

// GetAttachmentResponse has one message for each attachment.
type GetAttachmentResponse struct {
	Messages []AttachmentMessage `ews:"m:ResponseMessages>m:GetAttachmentResponseMessage"`
}

// DeleteAttachment takes attachments off their item.
type DeleteAttachment struct {
	IDs []AttachmentRef `ews:"m:AttachmentIds>t:AttachmentId,always"`
}

// RootItemID names the item that lost an attachment, in its new state.
type RootItemID struct {
	ID        string `ews:"@RootItemId,always"`
	ChangeKey string `ews:"@RootItemChangeKey,always"`
}

// DeleteAttachmentMessage is the answer about one attachment.
type DeleteAttachmentMessage struct {
	ResponseMessage
	Root *RootItemID `ews:"m:RootItemId"`
}

// DeleteAttachmentResponse has one message for each attachment.
type DeleteAttachmentResponse struct {
	Messages []DeleteAttachmentMessage `ews:"m:ResponseMessages>m:DeleteAttachmentResponseMessage"`
}
