package failover

import (
	"context"
	"errors"
	"fmt"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// The steps of scenarios that do something.

func (w *world) perform(step object) error {
	verb, isDo := step["do"].(string)
	if !isDo {
		return w.expect(step)
	}
	if err := fits(w.shapes, "do "+verb, step); err != nil {
		return err
	}
	err := w.act(verb, step)
	fails, isToFail := step["fails"].(object)
	var ours *types.FailoverError
	switch {
	case !isToFail:
		return err
	case err == nil:
		return errors.New("expected it to fail, and it did not")
	case !errors.As(err, &ours):
		return err
	}
	return w.sameError(fails, ours)
}

var outcomes = func() map[string]types.Outcome {
	named := map[string]types.Outcome{}
	for outcome := types.OutcomeSuccess; outcome <= types.OutcomeLocal; outcome++ {
		named[outcome.String()] = outcome
	}
	return named
}()

var adminStates = map[string]AdminState{
	"active": AdminActive, "draining": AdminDraining, "maintenance": AdminMaintenance,
	"forced_open": AdminForcedOpen, "reset": AdminReset,
}

func (w *world) act(verb string, step object) error {
	provider := textOf(step["provider"])
	native := w.manager.native
	switch verb {
	case "call":
		return w.call(step)
	case "pick":
		return w.pick(step)
	case "pool":
		return w.makePool(step)
	case "report":
		return w.report(step)
	case "drop":
		return w.drop(step)
	case "tick":
		return w.feed(step, input{kind: inputTick})
	case "next":
		return w.feed(step, input{kind: inputNext})
	case "cancel":
		return w.feed(step, input{kind: inputCancel})
	case "choose":
		number, err := w.number(textOf(step["endpoint"]))
		if err != nil {
			return err
		}
		return w.feed(step, input{kind: inputChosen, endpoint: number})
	case "advance":
		return w.clock.Advance(span0(step["by"]))
	case "configure":
		return native.configure(documentOf(step["config"]))
	case "register":
		return native.register(provider, documentOf(step["endpoint"]))
	case "update":
		return native.update(provider, documentOf(step["endpoint"]))
	case "deregister":
		return w.manager.DeregisterEndpointWithProvider(context.Background(), provider, textOf(step["endpoint"]))
	case "publish":
		return native.publish(provider, documentOf(step["endpoints"]))
	case "provider":
		return w.manager.AddPushed(textOf(step["name"]))
	case "admin":
		state, ok := adminStates[textOf(step["state"])]
		if !ok {
			return fmt.Errorf("state: unknown %v", step["state"])
		}
		return w.manager.SetAdmin(textOf(step["endpoint"]), state, WithProvider(provider))
	case "health":
		return w.health(step, provider)
	}
	return fmt.Errorf("verb %s: not known to this runner", verb)
}

func (w *world) name(step object) (string, error) {
	name := textOf(step["as"])
	if name == "" || w.calls[name] != nil || w.leases[name] != nil {
		return "", fmt.Errorf("as: %q is empty or taken", name)
	}
	return name, nil
}

func (w *world) call(step object) error {
	pool, err := w.pool(step)
	if err != nil {
		return err
	}
	w.learn()
	options, err := w.options(step["request"])
	if err != nil {
		return err
	}
	name, err := w.name(step)
	if err != nil {
		return err
	}
	asked := &request{}
	for _, option := range options {
		option(asked)
	}
	if err := asked.settle(pool); err != nil {
		return err
	}
	begun := &action{}
	if err := pool.native.beginWith(&asked.wish, begun); err != nil {
		return err
	}
	w.calls[name] = begun
	w.learn()
	return nil
}

func (w *world) running(step object) (*action, error) {
	call := w.calls[textOf(step["of"])]
	if call == nil {
		return nil, fmt.Errorf("call %v: no step made it", step["of"])
	}
	return call, nil
}

func (w *world) feed(step object, happened input) error {
	call, err := w.running(step)
	if err != nil {
		return err
	}
	answer := *call
	call.call.step(happened, &answer)
	w.learn()
	if answer.code != 0 {
		return bare(int(answer.code))
	}
	*call = answer
	return nil
}

func (w *world) pick(step object) error {
	pool, err := w.pool(step)
	if err != nil {
		return err
	}
	w.learn()
	options, err := w.options(step["request"])
	if err != nil {
		return err
	}
	count := 1
	if given, ok := step["count"].(float64); ok {
		count = int(given)
	}
	outcome := types.OutcomeCancelled
	if given, ok := step["outcome"].(string); ok {
		outcome = outcomes[given]
	}
	w.picked = []any{}
	for range count {
		lease, err := pool.Pick(context.Background(), options...)
		if err != nil {
			return err
		}
		w.picked = append(w.picked, lease.Endpoint().ID)
		if _, isKept := step["as"]; isKept {
			name, err := w.name(step)
			if err != nil {
				return err
			}
			w.leases[name] = lease
		} else if err := lease.Report(outcome); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) makePool(step object) error {
	pool, err := w.manager.get(textOf(step["provider"]), textOf(step["service"]))
	if err != nil {
		return err
	}
	if config, ok := step["config"]; ok {
		if pool, err = pool.deriveDocument(documentOf(config)); err != nil {
			return err
		}
	}
	w.pools[textOf(step["as"])] = pool
	return nil
}

func (w *world) report(step object) error {
	outcome, isKnown := outcomes[textOf(step["outcome"])]
	if !isKnown {
		return fmt.Errorf("outcome: unknown %v", step["outcome"])
	}
	name := textOf(step["of"])
	if lease := w.leases[name]; lease != nil {
		delete(w.leases, name)
		return lease.ReportLatency(outcome, span0(step["latency"]))
	}
	call, err := w.running(step)
	if err != nil {
		return err
	}
	attempt := call.attempt
	if given, ok := step["attempt"].(float64); ok {
		attempt = uint32(given)
	}
	return w.feed(step, input{
		kind: inputResult, attempt: attempt, outcome: outcome,
		latency: span0(step["latency"]), hint: span0(step["hint"]),
	})
}

func (w *world) drop(step object) error {
	name := textOf(step["of"])
	if lease := w.leases[name]; lease != nil {
		delete(w.leases, name)
		return lease.Close()
	}
	call, err := w.running(step)
	if err != nil {
		return err
	}
	call.call.free()
	delete(w.calls, name)
	return nil
}

func (w *world) health(step object, provider string) error {
	finding := FindingBad
	if good, ok := step["good"].(bool); !ok {
		return errors.New("good: must be true or false")
	} else if good {
		finding = FindingGood
		if degraded, _ := step["degraded"].(bool); degraded {
			finding = FindingDegraded
		}
	}
	reason := "reported"
	if given, ok := step["reason"].(string); ok {
		reason = given
	}
	_, err := w.manager.ReportHealth(textOf(step["endpoint"]), finding, reason, WithProvider(provider))
	return err
}
