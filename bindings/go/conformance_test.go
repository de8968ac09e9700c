package failover

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
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
