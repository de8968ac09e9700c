package failover

import (
	"os"
	"syscall"
	"time"
)

// readiness parks a goroutine in Go's poller until a queue of the library has something, so that
// waiting holds no thread.
type readiness struct {
	file *os.File
	conn syscall.RawConn
}

// watch takes a copy of a queue's descriptor, unless there was an error; the library keeps its own.
func watch(descriptor int, err error) (*readiness, error) {
	if err != nil {
		return nil, err
	}
	syscall.ForkLock.RLock()
	own, err := syscall.Dup(descriptor)
	if err == nil {
		syscall.CloseOnExec(own)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("dup", err)
	}
	if err := syscall.SetNonblock(own, true); err != nil {
		_ = syscall.Close(own) // the error that matters is the other one
		return nil, os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(own), "failover queue")
	conn, err := file.SyscallConn()
	if err != nil {
		_ = file.Close() // as above
		return nil, err
	}
	return &readiness{file, conn}, nil
}

// wait returns nil once take says that it took something, and an error after close.
func (r *readiness) wait(take func() bool) error {
	return r.conn.Read(func(uintptr) bool { return take() })
}

// interrupt ends waits at a time, which is over or, being zero, never comes.
func (r *readiness) interrupt(at time.Time) {
	_ = r.file.SetReadDeadline(at) // only says that it is closed
}

// close ends the wait; a second one does nothing.
func (r *readiness) close() {
	_ = r.file.Close() // only says that it is closed already
}
