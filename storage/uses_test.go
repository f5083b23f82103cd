package storage_test

import (
	"portico/app/admin"
	missed "portico/app/calls"
	"portico/app/contacts"
	"portico/app/diagnosis"
	"portico/app/directory"
	"portico/app/presence"
	"portico/app/privacy"
	"portico/app/rooms"
	"portico/storage"
)

// The rooms take the store as it is.
var (
	_ rooms.Store     = (*storage.Store)(nil)
	_ missed.Store    = (*storage.Store)(nil)
	_ contacts.Store  = (*storage.Store)(nil)
	_ contacts.Lists  = (*storage.Store)(nil)
	_ presence.Memory = (*storage.Store)(nil)
	_ privacy.Store   = (*storage.Store)(nil)
	_ admin.Store     = (*storage.Store)(nil)
	_ diagnosis.Store = (*storage.Store)(nil)
	_ directory.Cache = (*storage.Store)(nil)
)
