package storage_test

import (
	missed "portico/app/calls"
	"portico/app/rooms"
	"portico/storage"
)

// The rooms and the list of calls take the store as it is.
var (
	_ rooms.Store  = (*storage.Store)(nil)
	_ missed.Store = (*storage.Store)(nil)
)
