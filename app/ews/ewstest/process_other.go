//go:build unix && !linux

package ewstest

import (
	"errors"
	"syscall"
)

// ownGroup puts the peer into its own process group.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// groupAlive says whether a process of the group is left.
func groupAlive(pgid int) bool { return !errors.Is(syscall.Kill(-pgid, 0), syscall.ESRCH) }
