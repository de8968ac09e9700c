package failover

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// The steps of scenarios that look, and their ends.

var actions = map[string]uint32{
	"attempt": actionAttempt, "wait": actionWait, "pending": actionPending, "abandon": actionAbandon,
	"choose": actionChoose, "done": actionDone, "fail": actionFail,
}

func (w *world) expect(step object) error {
	verb := textOf(step["expect"])
	if err := fits(w.shapes, "expect "+verb, step); err != nil {
		return err
	}
	if kind, ok := actions[verb]; ok {
		call, err := w.running(step)
		if err != nil {
			return err
		}
		if call.kind != kind {
			return fmt.Errorf("the call wants action %d of endpoint %s, code %d", call.kind, w.ids[call.endpoint], call.why)
		}
		return w.expectAction(verb, call, step)
	}
	switch verb {
	case "picks":
		return w.expectPicks(step)
	case "endpoint":
		return w.expectEndpoint(step)
	case "explain":
		return w.expectExplain(step)
	case "stats":
		return w.expectStats(step)
	case "events":
		kinds, picks, err := w.events()
		if count, ok := step["load_balance"].(float64); ok && err == nil {
			err = same("load_balance", int(count), picks)
		}
		return errors.Join(err, same("events", texts(step["kinds"]), kinds))
	}
	return fmt.Errorf("verb %s: not known to this runner", verb)
}

// optional compares a key if the step has it.
func optional(step object, key string, found any) error {
	if wanted, ok := step[key]; ok {
		return same(key, wanted, found)
	}
	return nil
}

func optionalTime(step object, key string, found time.Duration) error {
	if wanted, ok := step[key]; ok {
		return same(key, span0(wanted), found)
	}
	return nil
}

func (w *world) expectAction(verb string, call *action, step object) error {
	attempts := float64(call.attempt)
	switch verb {
	case "attempt":
		return errors.Join(same("endpoint", textOf(step["endpoint"]), w.ids[call.endpoint]),
			optional(step, "number", attempts), optionalTime(step, "timeout", w.left(call.timer)))
	case "wait":
		if atMost, ok := step["for"].(object); ok {
			if most := span0(atMost["at_most"]); w.left(call.timer) > most {
				return fmt.Errorf("for: %v is more than %v", w.left(call.timer), most)
			}
			return nil
		}
		return optionalTime(step, "for", w.left(call.timer))
	case "pending":
		return optionalTime(step, "for", w.left(call.timer))
	case "abandon":
		return optional(step, "number", attempts)
	case "choose":
		return w.expectChoose(call, step)
	case "done":
		return errors.Join(same("result", textOf(step["result"]), "success"), optional(step, "attempts", attempts),
			optional(step, "fallback", call.flags&flagFallback != 0), optional(step, "panic", call.flags&flagPanic != 0),
			w.sameHistory(call, step))
	}
	failure := call.call.error()
	return errors.Join(same("kind", textOf(step["kind"]), nameOfCode(int(call.why))), optional(step, "attempts", attempts),
		w.sameHistory(call, step), w.sameError(step, failure))
}

func (w *world) expectChoose(call *action, step object) error {
	numbers, err := call.call.candidates()
	if err != nil {
		return err
	}
	var found []string
	for _, number := range numbers {
		found = append(found, w.ids[number])
	}
	return same("candidates", texts(step["candidates"]), found)
}

func (w *world) sameHistory(call *action, step object) error {
	wanted, ok := step["history"]
	if !ok {
		return nil
	}
	var read []struct {
		Number  uint64
		Outcome types.Outcome
	}
	if err := json.Unmarshal(call.call.history(), &read); err != nil {
		return err
	}
	found := []any{}
	for _, one := range read {
		found = append(found, object{"endpoint": w.ids[one.Number], "outcome": one.Outcome.String()})
	}
	return same("history", wanted, found)
}

func (w *world) expectPicks(step object) error {
	if ids, ok := step["ids"]; ok {
		return same("ids", ids, w.picked)
	}
	counts := object{}
	for _, id := range w.picked {
		before, _ := counts[id.(string)].(float64)
		counts[id.(string)] = before + 1
	}
	return same("counts", step["counts"], counts)
}

// provider is the name of the provider that a step means.
func (w *world) provider(step object) string {
	if name, ok := step["provider"].(string); ok {
		return name
	}
	return w.manager.defaultName()
}

func (w *world) expectEndpoint(step object) error {
	stats, err := w.stats()
	if err != nil {
		return err
	}
	provider, _ := stats[w.provider(step)].(object)
	endpoints, _ := provider["endpoints"].(object)
	found, isThere := endpoints[textOf(step["endpoint"])].(object)
	if absent, ok := step["absent"]; ok {
		return same("absent", absent, !isThere)
	}
	if !isThere {
		return fmt.Errorf("endpoint %v: not registered", step["endpoint"])
	}
	for key, wanted := range step {
		switch key {
		case "expect", "endpoint", "provider", "note":
		case "outcomes":
			err = errors.Join(err, sameFigures(wanted.(object), found["outcomes"].(object)))
		case "scopes":
			own, _ := found["scopes"].(object)
			for scope, figures := range wanted.(object) {
				of, _ := own[scope].(object)
				err = errors.Join(err, sameFigures(figures.(object), of))
			}
		default:
			err = errors.Join(err, same(key, wanted, found[key]))
		}
	}
	return err
}

func sameFigures(wanted, found object) error {
	var err error
	for key, figure := range wanted {
		err = errors.Join(err, same(key, figure, found[key]))
	}
	return err
}

func (w *world) expectExplain(step object) error {
	pool, err := w.pool(step)
	if err != nil {
		return err
	}
	options, err := w.options(step["request"])
	if err != nil {
		return err
	}
	told, err := pool.Explain(context.Background(), options...)
	if err != nil {
		return err
	}
	objections := object{}
	var chosen any
	for _, one := range told.Endpoints {
		objections[one.ID] = nil
		if one.Objection != "" {
			objections[one.ID] = one.Objection
		}
		if one.IsChosen {
			chosen = one.ID
		}
	}
	return errors.Join(same("endpoints", step["endpoints"], objections), optional(step, "chosen", chosen))
}

func (w *world) expectStats(step object) error {
	wanted := step["figures"].(object)
	if _, ok := step["pool"]; !ok {
		return w.sameStats(wanted, w.provider(step))
	}
	pool, err := w.pool(step)
	if err != nil {
		return err
	}
	document, err := pool.native.figures()
	if err != nil {
		return err
	}
	var found object
	if err := json.Unmarshal(document, &found); err != nil {
		return err
	}
	return sameFigures(wanted, found)
}

func (w *world) sameStats(wanted object, provider string) error {
	stats, err := w.stats()
	if err != nil {
		return err
	}
	found, _ := stats[provider].(object)
	return sameFigures(wanted, found)
}

// events are the kinds since the setting up in their order, without picks, and how many picks there were.
func (w *world) events() (kinds []string, picks int, err error) {
	byProvider, err := w.manager.GetEvents(context.Background(), 0)
	if err != nil {
		return nil, 0, err
	}
	var all []*types.FailoverEvent
	for _, list := range byProvider {
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b *types.FailoverEvent) int { return cmp.Compare(a.Sequence, b.Sequence) })
	for _, event := range all {
		if event.Sequence <= w.first {
			continue
		}
		if event.Type == types.EventLoadBalance {
			picks++
		} else {
			kinds = append(kinds, string(event.Type))
		}
	}
	return kinds, picks, nil
}

func (w *world) end(then object) error {
	kinds, _, err := w.events()
	if err != nil {
		return err
	}
	if err := same("events", texts(then["events"]), kinds); err != nil {
		return err
	}
	if stats, ok := then["stats"].(object); ok {
		return w.sameStats(stats, w.provider(object{}))
	}
	return nil
}

// left is how long it is until a time of the manager's clock.
func (w *world) left(at uint64) time.Duration {
	return w.manager.core.left(at)
}

// sameError compares an error with what a step says of it.
func (w *world) sameError(wanted object, found *types.FailoverError) error {
	if kind, ok := wanted["kind"].(string); ok && kind != nameOfCode(found.Code) {
		return fmt.Errorf("expected %s, got %s: %w", kind, nameOfCode(found.Code), found)
	}
	if paths, ok := wanted["paths"]; ok {
		var came []string
		faults, _ := found.Details["faults"].([]any)
		for _, fault := range faults {
			came = append(came, textOf(fault.(object)["path"]))
		}
		left := texts(paths)
		slices.Sort(left)
		slices.Sort(came)
		if err := same("paths", slices.Compact(left), slices.Compact(came)); err != nil {
			return err
		}
	}
	if endpoints, ok := wanted["endpoints"]; ok {
		if err := same("endpoints", endpoints, found.Details["endpoints"]); err != nil {
			return err
		}
	}
	if probe, ok := wanted["next_probe"]; ok {
		return same("next_probe", float64(span0(probe)), found.Details["next_probe_in_ns"])
	}
	return nil
}

func same(what string, wanted, found any) error {
	if reflect.DeepEqual(wanted, found) {
		return nil
	}
	return fmt.Errorf("%s: expected %v, got %v", what, wanted, found)
}
