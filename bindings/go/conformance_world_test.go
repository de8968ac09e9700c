package failover

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// What a scenario acts on: one manager on its manual clock, and the names that steps gave.

// world is what a scenario has made so far.
type world struct {
	shapes  map[string][]shape
	clock   *ManualClock
	manager *FailoverManager
	calls   map[string]*action
	leases  map[string]*Lease
	pools   map[string]*Pool
	ids     map[uint64]string
	picked  []any
	first   uint64
}

func newWorld(scenario object, shapes map[string][]shape) (*world, error) {
	w := &world{
		shapes: shapes, clock: NewManualClock(), calls: map[string]*action{}, leases: map[string]*Lease{},
		pools: map[string]*Pool{}, ids: map[uint64]string{},
	}
	seed := int64(1)
	if given, ok := scenario["seed"].(float64); ok {
		seed = int64(given)
	}
	manager, _ := scenario["manager"].(object)
	config, _ := scenario["config"].(object)
	var err error
	w.manager, err = New(WithManualClock(w.clock), WithSeed(seed), WithOptions(manager),
		WithOptions(object{"failover": config}))
	if err != nil {
		return nil, err
	}
	for _, one := range scenario["endpoints"].([]any) {
		endpoint := maps.Clone(one.(object))
		provider, isNamed := endpoint["provider"].(string)
		if !isNamed {
			provider = embedded
		}
		delete(endpoint, "provider")
		if err := w.manager.native.register(provider, documentOf(endpoint)); err != nil {
			return nil, err
		}
	}
	events, err := w.manager.GetEvents(context.Background(), 1)
	for _, list := range events {
		w.first = list[0].Sequence
	}
	w.learn()
	return w, err
}

func (w *world) free() {
	for _, call := range w.calls {
		call.call.free()
	}
	for _, lease := range w.leases {
		lease.Close()
	}
	w.manager.CloseWithin(0)
}

func documentOf(value any) string {
	written, err := json.Marshal(value)
	if err != nil {
		panic(err) // it came from JSON
	}
	return string(written)
}

// stats is the statistics document as it is.
func (w *world) stats() (object, error) {
	document, err := w.manager.native.stats()
	if err != nil {
		return nil, err
	}
	var stats object
	return stats, json.Unmarshal(document, &stats)
}

// learn keeps the numbers of the endpoints that are there now.
func (w *world) learn() {
	stats, _ := w.stats()
	for _, provider := range stats {
		for id, endpoint := range provider.(object)["endpoints"].(object) {
			w.ids[uint64(endpoint.(object)["number"].(float64))] = id
		}
	}
}

func (w *world) number(id string) (uint64, error) {
	for number, known := range w.ids {
		if known == id {
			return number, nil
		}
	}
	return 0, fmt.Errorf("endpoint %s: not met by this scenario", id)
}

func (w *world) pool(step object) (*Pool, error) {
	name, isNamed := step["pool"].(string)
	if !isNamed {
		return w.manager.get("", "")
	}
	if pool := w.pools[name]; pool != nil {
		return pool, nil
	}
	return nil, fmt.Errorf("pool %s: no step made it", name)
}

func span0(value any) time.Duration {
	text, _ := value.(string)
	if text == "" {
		return 0
	}
	read, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	return read
}

func textOf(value any) string {
	text, _ := value.(string)
	return text
}

func (w *world) options(value any) ([]Option, error) {
	asked, _ := value.(object)
	if asked == nil {
		return nil, nil
	}
	if err := fits(w.shapes, "request", asked); err != nil {
		return nil, err
	}
	options := []Option{
		WithKey(textOf(asked["key"])), WithSession(textOf(asked["session"])), WithClientIP(textOf(asked["client_ip"])),
		WithZone(textOf(asked["zone"])), WithScope(textOf(asked["scope"])), WithRegion(textOf(asked["region"])), WithEndpoint(textOf(asked["endpoint"])),
	}
	if latitude, ok := asked["latitude"].(float64); ok {
		options = append(options, WithPosition(latitude, asked["longitude"].(float64)))
	}
	if timeout := span0(asked["timeout"]); timeout != 0 {
		options = append(options, WithTimeout(timeout))
	}
	if idempotent, ok := asked["idempotent"].(bool); ok {
		options = append(options, WithIdempotent(idempotent))
	}
	if nested, _ := asked["nested"].(bool); nested {
		options = append(options, func(r *request) { r.flags |= requestNested })
	}
	if filter, ok := asked["filter"].(object); ok {
		labels := map[string]string{}
		if given, ok := filter["metadata"].(object); ok {
			for key, value := range given {
				labels[key] = value.(string)
			}
		}
		options = append(options, WithTags(texts(filter["tags"])...), WithLabels(labels))
	}
	return append(options, WithExclude(texts(asked["exclude"])...)), nil
}

func texts(value any) []string {
	var list []string
	given, _ := value.([]any)
	for _, one := range given {
		list = append(list, one.(string))
	}
	return list
}
