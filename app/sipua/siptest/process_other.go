//go:build unix && !linux

package siptest

import "syscall"

// ownGroup puts the peer into its own process group.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
