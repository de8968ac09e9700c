package main

import (
	"context"
	"fmt"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// phase is one of the story's: something is done to the servers, and then something has to happen.
type phase struct {
	title       string
	begin       func() error
	hasHappened func() bool
	// least is time to watch it; by most it has happened, or the demo has failed.
	least, most time.Duration
}

func (d *demo) phases() []phase {
	return []phase{
		{"1/5  All three servers are well.", func() error { return nil }, d.allServe, 2500 * time.Millisecond, 8 * time.Second},
		{"2/5  b is killed: its port refuses.", d.killB, d.bIsOut, 3 * time.Second, 8 * time.Second},
		{"3/5  c answers 503 to everything. Only a is left.", d.failC, d.cIsOut, 3 * time.Second, 8 * time.Second},
		{"4/5  c hangs, and its /health says 200.", d.hangC, d.cTimedOut, 4 * time.Second, 8 * time.Second},
		{"5/5  b is started again, c is cured.", d.bringBack, d.bothAreBack, 4 * time.Second, 10 * time.Second},
	}
}

// tick is how often the demo looks whether something has happened.
const tick = 50 * time.Millisecond

func (d *demo) story(ctx context.Context) error {
	for _, phase := range d.phases() {
		if err := d.live(ctx, phase); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) live(ctx context.Context, phase phase) error {
	d.watch.phase(phase.title)
	begun := time.Now()
	if err := phase.begin(); err != nil {
		return err
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for hasHappened := false; ; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		hasHappened = phase.hasHappened() || hasHappened
		taken := time.Since(begun)
		if hasHappened && taken >= phase.least {
			return d.table()
		}
		if !hasHappened && taken >= phase.most {
			return fmt.Errorf("within %v nothing came of %q", phase.most, phase.title)
		}
	}
}

// note remembers how long it took until something came of what was done.
func (d *demo) note(what, since string, at time.Time, has bool) bool {
	if has {
		// Two clocks are at work, the events' and ours: what comes at once may seem to come before.
		d.after[what] = max(at.Sub(d.since[since]), 0)
	}
	return has
}

func (d *demo) allServe() bool {
	for _, id := range []string{"a", "b", "c"} {
		if _, has := d.load.servedAt(id); !has {
			return false
		}
	}
	return true
}

func (d *demo) killB() error {
	d.watch.await("b")
	d.since["b killed"] = time.Now()
	return d.backends["b"].kill()
}

func (d *demo) bIsOut() bool {
	at, has := d.watch.firstOf("b", types.EventCircuitOpen, types.EventEndpointDown)
	return d.note("b out", "b killed", at, has)
}

func (d *demo) failC() error {
	d.watch.await("c")
	d.since["c failing"] = time.Now()
	return d.backends["c"].mode("status=503")
}

func (d *demo) cIsOut() bool {
	at, has := d.watch.firstOf("c", types.EventCircuitOpen)
	return d.note("c out", "c failing", at, has)
}

// Its checks pass all the while: that real calls hang, only real calls can tell.
func (d *demo) hangC() error {
	d.watch.await("c")
	d.since["c hanging"] = time.Now()
	return d.backends["c"].mode("hang?scope=work")
}

func (d *demo) cTimedOut() bool {
	at, has := d.watch.firstOf("c", types.EventTimeout)
	return d.note("c timed out", "c hanging", at, has)
}

func (d *demo) bringBack() error {
	d.load.await("b")
	d.load.await("c")
	if err := d.backends["b"].start(); err != nil {
		return err
	}
	d.since["b back"] = time.Now()
	err := d.backends["c"].mode("ok")
	d.since["c back"] = time.Now()
	return err
}

func (d *demo) bothAreBack() bool {
	b, hasB := d.load.servedAt("b")
	c, hasC := d.load.servedAt("c")
	isB := d.note("b used", "b back", b, hasB)
	return d.note("c used", "c back", c, hasC) && isB
}
