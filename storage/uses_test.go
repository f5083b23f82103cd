package storage_test

import (
	"portico/app/rooms"
	"portico/storage"
)

// The rooms take the store as it is.
var _ rooms.Store = (*storage.Store)(nil)
