package failover_test

import (
	"testing"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

func TestOptions_that_are_given_are_never_written_to(t *testing.T) {
	shared := map[string]any{"failover": map[string]any{"strategy": "random"}}
	policy := &types.FailoverConfig{
		Metadata: map[string]interface{}{"owner": "a"},
		Options:  map[string]interface{}{"retry_budget": map[string]interface{}{"capacity": 10}, "metadata": map[string]interface{}{"team": "b"}},
	}

	managerOf(t, failover.WithOptions(shared), failover.WithOptions(map[string]any{"failover": map[string]any{"max_retries": 1}}))
	managerOf(t, failover.WithPolicy(policy), failover.WithOptions(map[string]any{
		"failover": map[string]any{"retry_budget": map[string]any{"per_second": 1}}}))

	want(t, "the first options", "map[failover:map[strategy:random]]", text(shared))
	want(t, "the policy's", "map[capacity:10]", text(policy.Options["retry_budget"]))
	want(t, "the policy's metadata", "map[owner:a]", text(policy.Metadata))
}

func TestA_policy_that_is_read_and_put_back_is_the_same(t *testing.T) {
	manager := managerOf(t)
	given := &types.FailoverConfig{
		MaxRetries: 2, CircuitBreaker: &types.CircuitBreakerConfig{FailureThreshold: 7},
		Options: map[string]interface{}{
			"backoff": "fixed", "retry_budget": map[string]interface{}{"capacity": 17},
			"circuit_breaker": map[string]interface{}{"jitter": 0},
		},
	}
	if err := manager.Configure(background, given); err != nil {
		t.Fatal(err)
	}
	before, err := manager.Document()
	if err != nil {
		t.Fatal(err)
	}

	config, err := manager.GetConfig(background)
	if err != nil {
		t.Fatal(err)
	}
	if err := manager.Configure(background, config); err != nil {
		t.Fatal(err)
	}

	after, err := manager.Document()
	if err != nil {
		t.Fatal(err)
	}
	want(t, "the whole policy", text(before["failover"]), text(after["failover"]))
}
