// Five minutes: two servers, one of them dead, and no failed call.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

func main() {
	ctx := context.Background()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	defer server.Close()

	manager, err := failover.New()
	check(err)
	defer manager.Close()
	check(manager.RegisterEndpoint(ctx, &types.ServiceEndpoint{ID: "a", Name: "hello", Address: "127.0.0.1", Port: deadPort()}))
	check(manager.RegisterEndpoint(ctx, &types.ServiceEndpoint{ID: "b", Name: "hello", Address: "127.0.0.1", Port: portOf(server.Listener)}))
	pool, err := manager.Pool("hello")
	check(err)

	// The dead one gets its turn until its breaker opens; each such call is saved by the other.
	for number := 1; number <= 10; number++ {
		text, err := failover.Do(ctx, pool, ask)
		check(err)
		fmt.Printf("call %2d: %q\n", number, text)
	}

	stats, err := pool.Stats()
	check(err)
	fmt.Printf("calls: %d, failed: %d\n", stats.TotalRequests, stats.FailedRequests)
}

// ask is the call that is made safe: an ordinary function that may fail.
func ask(ctx context.Context, server *types.ServiceEndpoint) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL("/"), nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

// deadPort is a port where nobody listens.
func deadPort() int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer listener.Close()
	return portOf(listener)
}

func portOf(listener net.Listener) int {
	return listener.Addr().(*net.TCPAddr).Port
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
