package failover_test

import (
	"context"
	"errors"
	"fmt"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

// twoServers is a manager of two servers of a service. On a manual clock picks begin with the first one, on
// whatever thread.
func twoServers() (*failover.FailoverManager, *failover.Pool) {
	manager, err := failover.New(failover.WithManualClock(failover.NewManualClock().AutoAdvance()), failover.WithSeed(1))
	if err != nil {
		panic(err)
	}
	for at, id := range []string{"a", "b"} {
		server := &types.ServiceEndpoint{ID: id, Name: "users", Address: "10.0.0.1", Port: 8081 + at}
		if err := manager.RegisterEndpoint(context.Background(), server); err != nil {
			panic(err)
		}
	}
	users, err := manager.Pool("users")
	if err != nil {
		panic(err)
	}
	return manager, users
}

func ExampleDo() {
	manager, users := twoServers()
	defer manager.Close()

	answer, err := failover.Do(context.Background(), users, func(_ context.Context, server *types.ServiceEndpoint) (string, error) {
		if server.ID == "a" {
			return "", failover.Unsent(errors.New("a is down"))
		}
		return "from " + server.HostPort(), nil
	})

	fmt.Println(answer, err)
	// Output: from 10.0.0.1:8082 <nil>
}

func ExampleFailoverManager_ExecuteWithFailover() {
	manager, _ := twoServers()
	defer manager.Close()

	result, err := manager.ExecuteWithFailover(context.Background(), &types.FailoverConfig{MaxRetries: 1},
		func(server *types.ServiceEndpoint) (interface{}, error) {
			return nil, errors.New(server.ID + " is broken")
		})

	fmt.Println(result.Success, result.Attempts, errors.Is(err, failover.ErrAttemptsExhausted))
	// Output: false 2 true
}

func ExamplePool_Pick() {
	manager, users := twoServers()
	defer manager.Close()

	lease, err := users.Pick(context.Background())
	if err != nil {
		panic(err)
	}
	defer lease.Close() // an attempt that isn't reported counts as cancelled
	fmt.Println(lease.Endpoint().URL("/users/42"), lease.Done(nil))
	// Output: http://10.0.0.1:8081/users/42 <nil>
}
