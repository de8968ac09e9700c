package failover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// worker does what the library asks of the program: custom checks and custom providers. One goroutine
// takes the work off the queue; each piece runs on one of its own.
type worker struct {
	core  *core
	queue nativeWork
	ready *readiness
	// ctx ends with the worker.
	ctx context.Context
	end context.CancelFunc
	// isOver says that no work comes any more; the taking goroutine's own.
	isOver bool
	// lock guards what follows.
	lock sync.Mutex
	// running are the pieces at work by their tokens.
	running map[uint64]context.CancelFunc
	// watches are the providers that are watched, by their names.
	watches map[string]context.CancelFunc
}

func (c *core) startWorker() error {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.worker != nil {
		return nil
	}
	queue, err := c.native.work()
	if err != nil {
		return err
	}
	ready, err := watch(queue.fd())
	if err != nil {
		queue.free()
		return err
	}
	started := &worker{
		core: c, queue: queue, ready: ready,
		running: map[uint64]context.CancelFunc{}, watches: map[string]context.CancelFunc{},
	}
	started.ctx, started.end = context.WithCancel(context.Background())
	c.worker = started
	c.listeners.Add(1)
	go started.run()
	return nil
}

func (c *core) stopWorker() {
	c.lock.Lock()
	stopped := c.worker
	c.lock.Unlock()
	if stopped != nil {
		stopped.end()
		stopped.ready.close()
	}
}

func (w *worker) run() {
	defer w.core.listeners.Done()
	defer w.queue.free()
	for !w.isOver && w.ready.wait(w.take) == nil {
	}
	w.end()
	w.ready.close()
}

// take takes work; false means that there was none.
func (w *worker) take() bool {
	items, err := w.queue.poll()
	if err != nil {
		w.isOver = true // the manager is closed
		return true
	}
	for _, item := range items {
		w.begin(item)
	}
	return len(items) > 0
}

func (w *worker) begin(item work) {
	switch item.kind {
	case workCancel:
		w.cancel(item.token)
	case workUnwatch:
		w.unwatch(item.provider)
		w.complete(item, types.OutcomeSuccess, "")
	default:
		ctx, cancel := w.contextOf(item)
		w.lock.Lock()
		w.running[item.token] = cancel
		w.lock.Unlock()
		go w.do(ctx, item)
	}
}

// contextOf is the context of a piece of work, which ends when its answer is worth nothing any more.
func (w *worker) contextOf(item work) (context.Context, context.CancelFunc) {
	if w.core.manual != nil || item.deadline == 0 {
		return context.WithCancel(w.ctx)
	}
	return context.WithTimeout(w.ctx, w.core.left(item.deadline))
}

func (w *worker) cancel(token uint64) {
	w.lock.Lock()
	cancel := w.running[token]
	delete(w.running, token)
	w.lock.Unlock()
	if cancel != nil {
		cancel()
	}
}

// do does one piece of work and answers. A panic of the program's function is a line in the log and an
// answer, since there is no caller whom it could reach.
func (w *worker) do(ctx context.Context, item work) {
	outcome, payload := types.OutcomeLocal, ""
	defer func() {
		if value := recover(); value != nil {
			w.core.logger.Errorf("panic in the program's provider or check: %v\n%s", value, debug.Stack())
		}
		w.cancel(item.token)
		w.complete(item, outcome, payload)
	}()
	if item.kind == workHealthCheck {
		outcome = w.checkNow(ctx, item)
		return
	}
	w.core.lock.Lock()
	provider := w.core.custom[item.provider]
	w.core.lock.Unlock()
	if provider == nil {
		return
	}
	answer, err := w.ask(ctx, provider, item)
	if outcome, payload = types.OutcomeSuccess, answer; err != nil {
		outcome, payload = types.OutcomeFailure, ""
		w.core.logger.Warnf("provider %s: %v", item.provider, err)
	}
}

func (w *worker) complete(item work, outcome types.Outcome, payload string) {
	err := w.core.native.complete(item.token, outcome, payload)
	switch code(err) {
	case 0, types.CodeNotFound, types.CodeClosed:
		// Taken, or nobody waits for it any more.
	default:
		w.core.logger.Warnf("provider %s: its answer was refused: %v", item.provider, err)
		if payload != "" {
			// A list that can't be read is still an answer.
			_ = w.core.native.complete(item.token, types.OutcomeFailure, "")
		}
	}
}

func (w *worker) ask(ctx context.Context, provider Provider, item work) (string, error) {
	switch item.kind {
	case workList:
		list, err := provider.List(ctx)
		if err != nil {
			return "", err
		}
		return writeEndpoints(list)
	case workWatch:
		watcher, ok := provider.(Watcher)
		if !ok {
			return "", fmt.Errorf("it doesn't watch")
		}
		w.watch(item.provider, watcher)
		return "", nil
	case workPing:
		if pinger, ok := provider.(Pinger); ok {
			return "", pinger.Ping(ctx)
		}
		return "", nil
	}
	registrar, ok := provider.(Registrar)
	if !ok {
		return "", fmt.Errorf("it takes no registrations")
	}
	return "", register(ctx, registrar, item)
}

func register(ctx context.Context, registrar Registrar, item work) error {
	if item.kind == workDeregister {
		var id string
		if err := json.Unmarshal([]byte(item.payload), &id); err != nil {
			return err
		}
		return registrar.Deregister(ctx, id)
	}
	endpoint, err := readEndpoint([]byte(item.payload))
	if err != nil {
		return err
	}
	if item.kind == workUpdate {
		return registrar.Update(ctx, endpoint)
	}
	return registrar.Register(ctx, endpoint)
}

// watch has a provider watched until it isn't wanted any more.
func (w *worker) watch(name string, watcher Watcher) {
	ctx, cancel := context.WithCancel(w.ctx)
	w.lock.Lock()
	before := w.watches[name]
	w.watches[name] = cancel
	w.lock.Unlock()
	if before != nil {
		before()
	}
	go w.keepWatching(ctx, name, watcher)
}

func (w *worker) unwatch(name string) {
	w.lock.Lock()
	cancel := w.watches[name]
	delete(w.watches, name)
	w.lock.Unlock()
	if cancel != nil {
		cancel()
	}
}

// The first and the longest wait before a watch that ended is begun again.
const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

func (w *worker) keepWatching(ctx context.Context, name string, watcher Watcher) {
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, longestPause) {
		err := w.watchOnce(ctx, name, watcher)
		if ctx.Err() != nil {
			return
		}
		w.core.logger.Warnf("provider %s: its watch ended and begins again in %v: %v", name, pause, err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// watchOnce has a provider watched until its Watch ends, on a goroutine that Watch may leave.
func (w *worker) watchOnce(ctx context.Context, name string, watcher Watcher) error {
	over := make(chan error, 1)
	go func() {
		err := errors.New("it left its goroutine")
		defer func() {
			if value := recover(); value != nil {
				err = fmt.Errorf("panic: %v\n%s", value, debug.Stack())
			}
			over <- err
		}()
		err = watcher.Watch(ctx, func(endpoints []*types.ServiceEndpoint) error {
			if ctx.Err() != nil {
				return ended(ctx)
			}
			return w.core.publish(name, endpoints)
		})
	}()
	return <-over
}
