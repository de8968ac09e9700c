package failover_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

// shelf is a provider that only lists.
type shelf struct {
	name      string
	lock      sync.Mutex
	endpoints []*types.ServiceEndpoint
	err       error
}

func (s *shelf) Name() string { return s.name }

func (s *shelf) List(context.Context) ([]*types.ServiceEndpoint, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.endpoints, s.err
}

// office is a provider that does everything.
type office struct {
	shelf
	publish chan []*types.ServiceEndpoint
}

func (o *office) Watch(ctx context.Context, publish func([]*types.ServiceEndpoint) error) error {
	for {
		select {
		case set := <-o.publish:
			if err := publish(set); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (o *office) Register(_ context.Context, endpoint *types.ServiceEndpoint) error {
	if strings.HasPrefix(endpoint.ID, "bad") {
		return errors.New("not that one")
	}
	o.lock.Lock()
	defer o.lock.Unlock()
	o.endpoints = append(o.endpoints, endpoint)
	return nil
}

func (o *office) Update(context.Context, *types.ServiceEndpoint) error { return nil }

func (o *office) Deregister(_ context.Context, id string) error {
	o.lock.Lock()
	defer o.lock.Unlock()
	for at, endpoint := range o.endpoints {
		if endpoint.ID == id {
			o.endpoints = append(o.endpoints[:at:at], o.endpoints[at+1:]...)
			return nil
		}
	}
	return errors.New("unknown")
}

func (o *office) IsAuthoritative() bool { return true }

func TestA_provider_of_the_program_is_listed(t *testing.T) {
	manager := managerOf(t)
	if err := manager.RegisterProvider(&shelf{name: "shelf", endpoints: []*types.ServiceEndpoint{endpointOf("s")}}); err != nil {
		t.Fatal(err)
	}
	if err := manager.WaitReady(background); err != nil {
		t.Fatal(err)
	}

	pool, err := manager.Pool("users", failover.WithProvider("shelf"))
	if err != nil {
		t.Fatal(err)
	}
	picked, err := pool.Select(background)

	if err != nil {
		t.Fatal(err)
	}
	want(t, "picked", "s", picked.ID)
	if err := manager.RegisterProvider(&shelf{name: "shelf"}); !errors.Is(err, failover.ErrAlreadyExists) {
		t.Errorf("the same name again: %v", err)
	}
	provider, err := manager.GetProvider("shelf")
	if err != nil || provider.Name() != "shelf" {
		t.Errorf("got %v, %v", provider, err)
	}
	if _, err := manager.GetProvider("nope"); !errors.Is(err, failover.ErrNotFound) {
		t.Errorf("an unknown one: %v", err)
	}
}

func TestA_provider_that_watches_publishes_changes(t *testing.T) {
	manager := managerOf(t)
	provider := &office{shelf: shelf{name: "office"}, publish: make(chan []*types.ServiceEndpoint)}
	if err := manager.RegisterProvider(provider); err != nil {
		t.Fatal(err)
	}

	provider.publish <- []*types.ServiceEndpoint{endpointOf("a"), endpointOf("b")}

	eventually(t, "both are there", func() bool {
		list, err := manager.ListEndpointsWithProvider(background, "office")
		return err == nil && len(list) == 2
	})
	if err := manager.RemoveProvider("office"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the watch ends", func() bool {
		select {
		case provider.publish <- nil:
			return false
		default:
			return true
		}
	})
}

func TestA_provider_takes_and_refuses_registrations(t *testing.T) {
	manager := managerOf(t)
	provider := &office{shelf: shelf{name: "office"}, publish: make(chan []*types.ServiceEndpoint)}
	if err := manager.RegisterProvider(provider); err != nil {
		t.Fatal(err)
	}

	if err := manager.RegisterEndpointWithProvider(background, "office", endpointOf("good")); err != nil {
		t.Fatal(err)
	}
	if err := manager.RegisterEndpointWithProvider(background, "office", endpointOf("bad")); !errors.Is(err, failover.ErrProvider) {
		t.Errorf("expected a refusal, got %v", err)
	}
	if err := manager.UpdateEndpointWithProvider(background, "office", endpointOf("good")); err != nil {
		t.Error(err)
	}
	if err := manager.DeregisterEndpointWithProvider(background, "office", "good"); err != nil {
		t.Error(err)
	}
	want(t, "left", 0, len(provider.endpoints))
}

func TestA_slow_provider_does_not_outlast_the_context(t *testing.T) {
	manager := managerOf(t)
	provider := &slow{office: office{shelf: shelf{name: "slow"}}}
	if err := manager.RegisterProvider(provider); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(background, 20*time.Millisecond)
	defer cancel()

	err := manager.RegisterEndpointWithProvider(ctx, "slow", endpointOf("a"))

	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("expected the deadline, got %v", err)
	}
}

type slow struct{ office }

func (s *slow) Register(ctx context.Context, _ *types.ServiceEndpoint) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestA_panic_in_a_provider_is_logged_and_an_answer(t *testing.T) {
	logger := &lines{}
	manager := managerOf(t, failover.WithLogger(logger))
	if err := manager.RegisterProvider(&bomb{office{shelf: shelf{name: "bomb"}}}); err != nil {
		t.Fatal(err)
	}

	err := manager.RegisterEndpointWithProvider(background, "bomb", endpointOf("a"))

	if !errors.Is(err, failover.ErrProvider) {
		t.Errorf("expected a refusal, got %v", err)
	}
	eventually(t, "it is logged", func() bool { return strings.Contains(strings.Join(logger.all(), "\n"), "boom") })
}

type bomb struct{ office }

func (*bomb) Register(context.Context, *types.ServiceEndpoint) error { panic("boom") }

func TestAn_empty_default_provider_is_stood_in_for(t *testing.T) {
	manager := managerOf(t, failover.WithConfig(&failover.ManagerConfig{DefaultProvider: "empty", FallbackEnabled: true}))
	if err := manager.AddPushed("empty"); err != nil {
		t.Fatal(err)
	}
	if err := manager.RegisterEndpointWithProvider(background, "memory", endpointOf("spare")); err != nil {
		t.Fatal(err)
	}

	result, err := manager.ExecuteContext(background, nil,
		func(_ context.Context, endpoint *types.ServiceEndpoint) (interface{}, error) { return endpoint.ID, nil },
		failover.WithService("users"))

	if err != nil {
		t.Fatal(err)
	}
	want[any](t, "who served", "spare", result.Result)
	want[any](t, "said so", true, result.Metadata["fallback"])
	want(t, "address", "127.0.0.1", result.Endpoint.Address)
}

func TestA_custom_check_is_asked_for(t *testing.T) {
	manager := managerOf(t, failover.WithHealthCheck(func(_ context.Context, endpoint *types.ServiceEndpoint) error {
		if endpoint.ID == "sick" {
			return errBroken
		}
		return nil
	}))
	for _, id := range []string{"sick", "well"} {
		endpoint := endpointOf(id)
		endpoint.HealthCheck = &types.HealthCheck{Type: types.CheckCustom, Interval: time.Hour}
		if err := manager.RegisterEndpoint(background, endpoint); err != nil {
			t.Fatal(err)
		}
	}

	found, err := manager.HealthCheckAll(background)

	if err != nil {
		t.Fatal(err)
	}
	want(t, "health", "map[sick:unhealthy well:healthy]", text(found))
	one, err := manager.HealthCheck(background, "well")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "one", types.HealthHealthy, one)
}

func TestA_check_without_its_function_is_no_worker(t *testing.T) {
	manager := managerOf(t)
	endpoint := endpointOf("a")
	endpoint.HealthCheck = &types.HealthCheck{Type: types.CheckCustom}
	if err := manager.RegisterEndpoint(background, endpoint); err != nil {
		t.Fatal(err)
	}

	_, err := manager.HealthCheck(background, "a")

	if !errors.Is(err, failover.ErrNoWorker) {
		t.Errorf("expected no worker, got %v", err)
	}
}

func TestChecks_that_hang_end_with_the_context(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	manager := managerOf(t, failover.WithHealthCheck(func(context.Context, *types.ServiceEndpoint) error { <-hang; return nil }))
	endpoint := endpointOf("a")
	endpoint.HealthCheck = &types.HealthCheck{Type: types.CheckCustom, Timeout: 5 * time.Second, Interval: time.Hour}
	if err := manager.RegisterEndpoint(background, endpoint); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(background, 20*time.Millisecond)
	defer cancel()

	known, err := manager.HealthCheckAll(ctx)

	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("expected the deadline, got %v", err)
	}
	want(t, "known so far", "map[a:unknown]", text(known))
}

// leaver is a provider whose functions end their goroutines.
type leaver struct{ office }

func (*leaver) Register(context.Context, *types.ServiceEndpoint) error { runtime.Goexit(); return nil }

func (*leaver) Watch(context.Context, func([]*types.ServiceEndpoint) error) error {
	runtime.Goexit()
	return nil
}

func TestA_provider_or_check_that_leaves_its_goroutine_has_answered(t *testing.T) {
	logger := &lines{}
	manager := managerOf(t, failover.WithLogger(logger),
		failover.WithHealthCheck(func(context.Context, *types.ServiceEndpoint) error { runtime.Goexit(); return nil }))
	if err := manager.RegisterProvider(&leaver{office{shelf: shelf{name: "leaver"}}}); err != nil {
		t.Fatal(err)
	}
	endpoint := endpointOf("a")
	endpoint.HealthCheck = &types.HealthCheck{Type: types.CheckCustom, Interval: time.Hour, Timeout: time.Minute}
	if err := manager.RegisterEndpoint(background, endpoint); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(background, 20*time.Second)
	defer cancel()

	if err := manager.RegisterEndpointWithProvider(ctx, "leaver", endpointOf("b")); !errors.Is(err, failover.ErrProvider) {
		t.Errorf("register: expected a refusal, got %v", err)
	}
	if _, err := manager.HealthCheck(ctx, "a"); errors.Is(err, context.DeadlineExceeded) {
		t.Error("the check was waited for")
	}
	eventually(t, "its watch begins again", func() bool {
		return strings.Contains(strings.Join(logger.all(), "\n"), "leaver: its watch ended and begins again")
	})
}

func TestText_that_is_not_utf8_is_refused_and_never_changed(t *testing.T) {
	manager := managerOf(t)
	for _, endpoint := range []*types.ServiceEndpoint{
		{ID: "a\xff", Name: "users", Address: "127.0.0.1", Port: 1},
		{ID: "a", Name: "users\xff", Address: "127.0.0.1", Port: 1},
		{ID: "a", Name: "users", Address: "127.0.0.1", Port: 1, Tags: []string{"\xff"}},
		{ID: "a", Name: "users", Address: "127.0.0.1", Port: 1, Metadata: map[string]string{"zone": "\xff"}},
	} {
		var ours *types.FailoverError
		if err := manager.RegisterEndpoint(background, endpoint); !errors.As(err, &ours) || ours.Code != types.CodeInvalidUTF8 {
			t.Errorf("%q: expected a refusal, got %v", endpoint.ID, err)
		}
		if err := manager.Publish("", []*types.ServiceEndpoint{endpoint}); !errors.As(err, &ours) || ours.Code != types.CodeInvalidUTF8 {
			t.Errorf("publish %q: expected a refusal, got %v", endpoint.ID, err)
		}
	}
	list, err := manager.ListEndpoints(background)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "endpoints", 0, len(list))
}
