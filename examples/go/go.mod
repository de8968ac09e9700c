module github.com/libfailover/libfailover/examples/go

go 1.24

require github.com/libfailover/libfailover/bindings/go v0.0.0

replace github.com/libfailover/libfailover/bindings/go => ../../bindings/go
