package ews

import (
	"portico/app/ews/soap"
	"portico/app/portal"
)

// attachments lists the files of an item without their bytes. Pictures that stand in the body, and links to elsewhere, are
// none of its own.
func attachments(list []soap.Attachment) []portal.Attachment {
	out := []portal.Attachment{}
	for i := range list {
		a := portal.Attachment{ID: list[i].ID().ID}
		switch f, it := list[i].File, list[i].Item; {
		case f != nil && !soap.Is(f.IsInline):
			a.Name, a.ContentType, a.Size = line(f.Name), f.ContentType, int64(soap.Int(f.Size))
		case it != nil:
			a.Name, a.ContentType, a.Size = line(it.Name), it.ContentType, int64(soap.Int(it.Size))
		default:
			continue
		}
		if a.ID != "" {
			out = append(out, a)
		}
	}
	return out
}
