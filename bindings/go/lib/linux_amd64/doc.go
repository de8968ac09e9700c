// Package linux_amd64 is the folder of the static library for Linux on x86-64 and of its header.
//
// It is a package so that `go mod vendor` takes the folder along. bindings/go/build.sh fills it with
// libfailover.a, failover.h and stamp.go; the constant in there changes with the archive, which makes
// the go command link again.
package linux_amd64
