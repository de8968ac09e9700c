package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

const (
	callers        = 8
	callsPerSecond = 200
)

// load is the stream of calls; none of them may fail.
type load struct {
	pool                    *failover.Pool
	calls, failed, attempts atomic.Int64
	fault                   atomic.Pointer[error]
	lock                    sync.Mutex
	// served is when each server first answered since it was last awaited.
	served map[string]time.Time
	end    chan struct{}
	all    sync.WaitGroup
}

func startLoad(pool *failover.Pool) *load {
	l := &load{pool: pool, served: map[string]time.Time{}, end: make(chan struct{})}
	pause := time.Second * callers / callsPerSecond
	for number := range callers {
		l.all.Add(1)
		go l.run(pause*time.Duration(number)/callers, pause)
	}
	return l
}

// run calls again and again; the first wait spreads the callers, so that servers see a stream.
func (l *load) run(first, pause time.Duration) {
	defer l.all.Done()
	wait := time.NewTimer(first)
	for {
		select {
		case <-wait.C:
		case <-l.end:
			return
		}
		begun := time.Now()
		l.call()
		wait.Reset(max(pause-time.Since(begun), 0))
	}
}

func (l *load) call() {
	_, err := failover.Do(context.Background(), l.pool, l.attempt)
	l.calls.Add(1)
	if err != nil && l.failed.Add(1) == 1 {
		l.fault.Store(&err)
	}
}

// attempt makes one attempt: all that a program has to write to have failover.
func (l *load) attempt(ctx context.Context, server *types.ServiceEndpoint) (int, error) {
	l.attempts.Add(1)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL("/work"), nil)
	if err != nil {
		return 0, failover.Ignore(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	switch status := response.StatusCode; {
	case status >= 500:
		return 0, fmt.Errorf("%s", response.Status)
	case status >= 400:
		return 0, failover.Permanent(fmt.Errorf("%s", response.Status))
	}
	l.note(server.ID)
	return response.StatusCode, nil
}

func (l *load) note(id string) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if _, isKnown := l.served[id]; !isKnown {
		l.served[id] = time.Now()
	}
}

// await forgets when a server answered, so that the next answer counts.
func (l *load) await(id string) {
	l.lock.Lock()
	defer l.lock.Unlock()
	delete(l.served, id)
}

func (l *load) servedAt(id string) (time.Time, bool) {
	l.lock.Lock()
	defer l.lock.Unlock()
	at, isKnown := l.served[id]
	return at, isKnown
}

func (l *load) stop() {
	close(l.end)
	l.all.Wait()
}
