// Endpoints from a source of the program's own: here, lines of text.
//
// The library asks for the whole set, again and again; a set that can't be read changes nothing.
package main

import (
	"context"
	"fmt"
	"log"
	"strings"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

// inventory has one server on each line: id and port.
type inventory string

func (inventory) Name() string {
	return "inventory"
}

func (text inventory) List(context.Context) ([]*types.ServiceEndpoint, error) {
	var servers []*types.ServiceEndpoint
	for line := range strings.Lines(string(text)) {
		server := &types.ServiceEndpoint{Name: "users", Address: "127.0.0.1"}
		if _, err := fmt.Sscan(line, &server.ID, &server.Port); err != nil {
			return nil, fmt.Errorf("not a server: %q", line)
		}
		servers = append(servers, server)
	}
	return servers, nil
}

func main() {
	ctx := context.Background()
	manager, err := failover.New()
	check(err)
	defer manager.Close()
	check(manager.RegisterProvider(inventory("a 8081\nb 8082\n")))
	check(manager.WaitReady(ctx))

	pool, err := manager.Pool("users", failover.WithProvider("inventory"))
	check(err)
	servers, err := pool.Endpoints()
	check(err)
	for _, server := range servers {
		fmt.Println("knows", server.URL("/"))
	}
	picked, err := failover.Do(ctx, pool, func(_ context.Context, server *types.ServiceEndpoint) (string, error) {
		return server.Name, nil
	})
	check(err)
	fmt.Println("used one of", picked)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
