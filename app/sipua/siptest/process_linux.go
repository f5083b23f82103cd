package siptest

import "syscall"

// ownGroup puts the peer into its own process group and ends it when the test process dies.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
