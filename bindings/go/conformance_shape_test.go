package failover

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
)

// The keys that each verb of a scenario may have.

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
