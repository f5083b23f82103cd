package main

// One program at a time works with a data folder: two engines on one database would do everything twice.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// lockFile is what is locked. It stays when it is not.
const lockFile = "lock"

// errInUse is that another program works with the data folder.
var errInUse = errors.New("another portico works with this data folder")

// lockWait is how long is waited for the other program: one that is closing, or a command of a shell.
const lockWait = 10 * time.Second

// lockFolder locks a data folder until the file that is given is closed, or the process ends in whatever way.
func lockFolder(ctx context.Context, dir string, wait time.Duration) (*os.File, error) {
	file := filepath.Join(dir, lockFile)
	end := time.Now().Add(wait)
	for {
		f, err := lockExclusively(file)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, errInUse) || !time.Now().Before(end) {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(deskPace):
		}
	}
}
