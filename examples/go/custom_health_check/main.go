// A check of the program's own: here, one that asks a table instead of a server.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

func main() {
	ctx := context.Background()
	table := map[string]bool{"a": false, "b": true}
	manager, err := failover.New(failover.WithHealthCheck(func(_ context.Context, server *types.ServiceEndpoint) error {
		if !table[server.ID] {
			return errors.New("the table says no")
		}
		return nil
	}))
	check(err)
	defer manager.Close()

	for id, port := range map[string]int{"a": 8081, "b": 8082} {
		check(manager.RegisterEndpoint(ctx, &types.ServiceEndpoint{
			ID: id, Name: "users", Address: "127.0.0.1", Port: port,
			HealthCheck: &types.HealthCheck{Type: types.CheckCustom},
		}))
	}
	// Checks go on by themselves; this one is made now and waited for. The first one decides at once,
	// later ones only by rise and fall.
	health, err := manager.HealthCheckAll(ctx)
	check(err)
	for _, id := range []string{"a", "b"} {
		fmt.Printf("%s is %s\n", id, health[id])
	}

	pool, err := manager.Pool("users")
	check(err)
	server, err := pool.Select(ctx)
	check(err)
	fmt.Println("picked", server.ID)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
