// Package failover lets a program use several servers of a service as if they were one that doesn't
// fail: it picks, tries again elsewhere, sheds what is broken and brings back what has recovered.
//
//	manager, err := failover.New()
//	manager.RegisterEndpoint(ctx, &types.ServiceEndpoint{ID: "a", Name: "users", Address: "10.0.0.1", Port: 80})
//	manager.RegisterEndpoint(ctx, &types.ServiceEndpoint{ID: "b", Name: "users", Address: "10.0.0.2", Port: 80})
//	users, err := manager.Pool("users")
//	body, err := failover.Do(ctx, users, func(ctx context.Context, server *types.ServiceEndpoint) ([]byte, error) {
//		return get(ctx, server.Address, server.Port)
//	})
//
// The function runs on the caller's goroutine, as often as the call needs. All that decides is in the
// library's engine, which is the same in every language; this package converts and waits.
//
// # Threads
//
// Everything may be used from several goroutines at once. No function of the program is ever called
// from a thread that isn't Go's, and a call in flight holds no thread.
//
// # Building
//
// The engine is a static library, linked by cgo: bindings/go/build.sh places it, and a published module
// carries it. With the build tag failover_dynamic, pkg-config finds an installed shared library instead.
package failover
