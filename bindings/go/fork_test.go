package failover_test

import (
	"os/exec"
	"strings"
	"testing"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

func TestA_program_that_is_started_inherits_no_descriptor(t *testing.T) {
	bare := listOfChild(t)
	manager := managerOf(t, failover.WithLogger(&lines{}))
	if _, err := manager.Subscribe(16, types.EventRetry); err != nil {
		t.Fatal(err)
	}
	if err := manager.RegisterProvider(&shelf{name: "shelf"}); err != nil {
		t.Fatal(err)
	}
	if err := manager.WaitReady(background); err != nil {
		t.Fatal(err)
	}

	want(t, "descriptors of the child", bare, listOfChild(t))
	register(t, manager, "a")
	want(t, "selected afterwards", "a", selectOne(t, manager, nil))
}

// listOfChild is how many descriptors a program that is started now has.
func listOfChild(t *testing.T) int {
	t.Helper()
	listed, err := exec.Command("ls", "/proc/self/fd").Output()
	if err != nil {
		t.Fatal(err)
	}
	return len(strings.Fields(string(listed)))
}
