package failover_test

import (
	"context"
	"errors"
	"testing"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

func TestDo_options(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "a", "b")
	pool := poolOf(t, manager)
	fails := func(context.Context, *types.ServiceEndpoint) (string, error) { return "", errBroken }
	id := func(_ context.Context, endpoint *types.ServiceEndpoint) (string, error) { return endpoint.ID, nil }
	var result types.FailoverResult

	value, err := failover.Do(background, pool, fails, failover.WithFallback("stale"), failover.WithResult(&result))
	if err != nil || value != "stale" || result.Metadata["fallback"] != "value" {
		t.Errorf("fallback: %q %v %v", value, err, result.Metadata)
	}
	_, _ = failover.Do(background, pool, fails, failover.WithIdempotent(false), failover.WithResult(&result))
	want(t, "attempts of what may not be sent twice", 1, result.Attempts)
	_, err = failover.Do(background, pool, fails, failover.WithResult(&result),
		failover.WithClassifier(func(err error) (types.Outcome, bool) { return types.OutcomeRejected, errors.Is(err, errBroken) }))
	want(t, "attempts of what is classified as rejected", 1, result.Attempts)
	if !errors.Is(err, failover.ErrRejected) {
		t.Errorf("classifier: %v", err)
	}
	value, err = failover.Do(background, pool, id, failover.WithEndpoint("b"))
	if err != nil || value != "b" {
		t.Errorf("endpoint: %q %v", value, err)
	}
	value, err = failover.Do(background, pool, id, failover.WithExclude("b"))
	if err != nil || value != "a" {
		t.Errorf("exclude: %q %v", value, err)
	}
	if _, err = failover.Do(background, pool, id, failover.WithTags("gpu")); !errors.Is(err, failover.ErrNoEndpoints) {
		t.Errorf("tags: %v", err)
	}
	if _, err = failover.Do(background, nil, id); !errors.Is(err, failover.ErrInvalidArgument) {
		t.Errorf("no pool: %v", err)
	}
}

func TestA_chooser_that_invents_an_endpoint_is_refused(t *testing.T) {
	manager := managerOf(t, failover.WithPolicy(&types.FailoverConfig{Strategy: types.StrategyCustom}))
	register(t, manager, "a")
	run := func(options ...failover.Option) error {
		_, err := failover.Do(background, poolOf(t, manager), func(context.Context, *types.ServiceEndpoint) (int, error) { return 0, nil }, options...)
		return err
	}

	if err := run(failover.WithChooser(func(context.Context, []*types.ServiceEndpoint) *types.ServiceEndpoint { return endpointOf("x") })); !errors.Is(err, failover.ErrInvalidArgument) {
		t.Errorf("invented: %v", err)
	}
	if err := run(); !errors.Is(err, failover.ErrInvalidState) {
		t.Errorf("without one: %v", err)
	}
}
