package failover

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// The scenarios of tests/conformance, which all languages run. What each verb does is in the README there.
//
// CONFORMANCE in the environment is a part of a path: only those scenarios run. FAILOVER_REPORT names a
// file that gets one line for each area.

const scenarios = "../../tests/conformance/scenarios"

type object = map[string]any

func TestConformance(t *testing.T) {
	paths := scenarioPaths(t)
	shapes := readShapes(t)
	passed, failed := map[string]int{}, map[string]int{}
	for _, path := range paths {
		area := filepath.Base(filepath.Dir(path))
		if err := runScenario(path, shapes); err != nil {
			failed[area]++
			t.Errorf("%s: %v", path, err)
		} else {
			passed[area]++
		}
	}
	run := total(passed) + total(failed)
	if run != len(paths) || run == 0 {
		t.Errorf("%d scenarios found, %d run", len(paths), run)
	}
	report(t, passed, failed)
	fmt.Printf("conformance: scenarios=%d failed=%d\n", run, total(failed))
}

func total(counts map[string]int) int {
	sum := 0
	for _, count := range counts {
		sum += count
	}
	return sum
}

func scenarioPaths(t *testing.T) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(scenarios, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.Contains(path, os.Getenv("CONFORMANCE")) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func report(t *testing.T, passed, failed map[string]int) {
	t.Helper()
	path := os.Getenv("FAILOVER_REPORT")
	if path == "" {
		return
	}
	areas := maps.Clone(passed)
	maps.Copy(areas, failed)
	var lines bytes.Buffer
	for _, area := range slices.Sorted(maps.Keys(areas)) {
		fmt.Fprintf(&lines, "go\t%s\t%d\t%d\n", area, passed[area], failed[area])
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write(lines.Bytes()); err != nil {
		t.Fatal(err)
	}
}

// shape is a verb's keys, as schema.json lists them.
type shape struct {
	Properties object
	Required   []string
}

func readShapes(t *testing.T) map[string][]shape {
	t.Helper()
	text, err := os.ReadFile("../../tests/conformance/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties object
		Required   []string
		Defs       struct {
			Step struct{ OneOf []shape }
			// Others are read as they are.
			Request, Error shape
		} `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	shapes := map[string][]shape{
		"scenario": {{schema.Properties, schema.Required}},
		"request":  {schema.Defs.Request},
		"fails":    {schema.Defs.Error},
	}
	for _, step := range schema.Defs.Step.OneOf {
		for _, sort := range []string{"do", "expect"} {
			if verb, ok := step.Properties[sort].(object); ok {
				name := fmt.Sprint(sort, " ", verb["const"])
				shapes[name] = append(shapes[name], step)
			}
		}
	}
	return shapes
}

// fits says whether an object has a shape's keys and no others.
func fits(shapes map[string][]shape, name string, value object) error {
	if shapes[name] == nil {
		return fmt.Errorf("unknown verb %q", name)
	}
	for _, one := range shapes[name] {
		isMissing := slices.ContainsFunc(one.Required, func(key string) bool { _, has := value[key]; return !has })
		isUnknown := false
		for key := range value {
			if _, has := one.Properties[key]; !has {
				isUnknown = true
			}
		}
		if !isMissing && !isUnknown {
			return nil
		}
	}
	return fmt.Errorf("%s: a key is missing or unknown in %v", name, value)
}

func runScenario(path string, shapes map[string][]shape) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var scenario object
	if err := json.Unmarshal(text, &scenario); err != nil {
		return err
	}
	if err := fits(shapes, "scenario", scenario); err != nil {
		return err
	}
	inScenario := func(err error) error {
		return fmt.Errorf("%v\n  why: %v\n  %w", scenario["name"], scenario["why"], err)
	}
	world, err := newWorld(scenario, shapes)
	if err != nil {
		return inScenario(err)
	}
	defer world.free()
	for at, step := range scenario["steps"].([]any) {
		if err := world.perform(step.(object)); err != nil {
			written, _ := json.Marshal(step)
			return inScenario(fmt.Errorf("step %d: %s: %w", at+1, written, err))
		}
	}
	if err := world.end(scenario["then"].(object)); err != nil {
		return inScenario(fmt.Errorf("then: %w", err))
	}
	return nil
}

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
