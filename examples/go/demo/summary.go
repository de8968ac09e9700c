package main

import (
	"context"
	"fmt"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// table shows how each server is doing.
func (d *demo) table() error {
	stats, err := d.manager.GetStats(context.Background())
	if err != nil {
		return err
	}
	fmt.Printf("\n  %-8s %-10s %-10s %9s %10s\n", "server", "health", "circuit", "picks", "average")
	for _, id := range []string{"a", "b", "c"} {
		one := stats["memory"].Endpoints[id]
		fmt.Printf("  %-8s %-10s %-10s %9d %10v\n", id, one.Health, one.Circuit, one.Picks,
			one.AverageLatency.Round(10*time.Microsecond))
	}
	fmt.Println()
	return nil
}

// summary says what came of it all; true if everything happened and no call failed.
func (d *demo) summary() bool {
	isGood := true
	for _, one := range []struct{ text, what string }{
		{"b killed: taken out of use after", "b out"},
		{"c answering 503: taken out of use after", "c out"},
		{"c hanging: a call given up there after", "c timed out"},
		{"b started again: used again after", "b used"},
		{"c cured: used again after", "c used"},
	} {
		after, has := d.after[one.what]
		isGood = isGood && has
		if has {
			fmt.Printf("  ok %-44s%7d ms\n", one.text, after.Milliseconds())
		} else {
			fmt.Printf("  NO %-44s%10s\n", one.text, "never")
		}
	}
	calls, failed := d.load.calls.Load(), d.load.failed.Load()
	isGood = isGood && calls > 0 && failed == 0
	mark, fault := "ok", ""
	if first := d.load.fault.Load(); first != nil {
		mark, fault = "NO", "; the first: "+(*first).Error()
	}
	fmt.Printf("  %s %d calls, %d failed%s\n", mark, calls, failed, fault)
	fmt.Printf("     %d attempts, %d retries, %d failovers\n", d.load.attempts.Load(),
		d.watch.count(types.EventRetry), d.watch.count(types.EventFailover))
	if dropped := d.watch.events.Dropped(); dropped > 0 {
		fmt.Printf("     %d events came too fast and are in no count\n", dropped)
	}
	fmt.Printf("\ndemo: calls=%d failed=%d failovers=%d ejected_after=%dms recovered_after=%dms\n", calls, failed,
		d.watch.count(types.EventFailover), d.ms("b out"), d.ms("b used"))
	return isGood
}

// ms is -1 for what never happened, so that no one takes it for a fast one.
func (d *demo) ms(what string) int64 {
	if after, has := d.after[what]; has {
		return after.Milliseconds()
	}
	return -1
}
