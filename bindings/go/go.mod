module github.com/libfailover/libfailover/bindings/go

go 1.24
