// What needs other modules is a module of its own, so that the binding needs none.
module github.com/libfailover/libfailover/bindings/go/loggers

go 1.24

require (
	github.com/libfailover/libfailover/bindings/go v0.0.0
	github.com/sirupsen/logrus v1.9.3
	go.uber.org/zap v1.27.0
)

require (
	go.uber.org/multierr v1.10.0 // indirect
	golang.org/x/sys v0.0.0-20220715151400-c0bba94af5f8 // indirect
)

replace github.com/libfailover/libfailover/bindings/go => ../
