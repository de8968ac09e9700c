package failover

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// The tables that Go has twins of are made from core in docs/reference; here they are compared.

// rows are the cells of a table's rows that begin with a number.
func rows(t *testing.T, page, under string) [][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/reference/" + page)
	if err != nil {
		t.Fatal(err)
	}
	_, below, _ := strings.Cut(string(text), under)
	below, _, _ = strings.Cut(below, "\n## ")
	var found [][]string
	for _, line := range regexp.MustCompile(`(?m)^\| \d+ \|.*$`).FindAllString(below, -1) {
		var cells []string
		for _, cell := range strings.Split(strings.Trim(line, "| "), " | ") {
			cells = append(cells, strings.Trim(cell, "` "))
		}
		found = append(found, cells)
	}
	if len(found) == 0 {
		t.Fatalf("%s has no rows under %q", page, under)
	}
	return found
}

func number(t *testing.T, cell string) int {
	t.Helper()
	read, err := strconv.Atoi(cell)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestCodes_and_their_families_are_those_of_the_reference(t *testing.T) {
	text, err := os.ReadFile("types/code.go")
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string]string{}
	for _, found := range regexp.MustCompile(`(?m)^\tCode(\w+) = (\d+)$`).FindAllStringSubmatch(string(text), -1) {
		ours[found[2]] = strings.ToLower(found[1])
	}
	listed := rows(t, "errors.md", "## Errors")
	if len(listed) != len(ours) {
		t.Errorf("the reference has %d codes, types %d", len(listed), len(ours))
	}
	for _, row := range listed {
		name := strings.ToLower(row[2])
		if ours[row[0]] != name {
			t.Errorf("%s: expected %s, got %q", row[0], name, ours[row[0]])
		}
		if family := typeOfCode(number(t, row[0])); string(family) != row[3] {
			t.Errorf("%s: expected the type %s, got %s", name, row[3], family)
		}
	}
}

func TestOutcomes_are_those_of_the_reference(t *testing.T) {
	for _, row := range rows(t, "errors.md", "## Outcomes") {
		if name := types.Outcome(number(t, row[0])).String(); name != row[1] {
			t.Errorf("outcome %s: expected %s, got %s", row[0], row[1], name)
		}
	}
}

func TestEvents_are_those_of_the_reference(t *testing.T) {
	listed := rows(t, "events.md", "")
	if len(listed) != len(types.EventTypes()) {
		t.Fatalf("the reference has %d kinds, types %d", len(listed), len(types.EventTypes()))
	}
	for at, row := range listed {
		if kind := types.EventTypes()[at]; number(t, row[0]) != at || string(kind) != row[1] {
			t.Errorf("event %d: expected %s, got %s", at, row[1], kind)
		}
	}
}
