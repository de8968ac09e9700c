package failover

import (
	"runtime"
	"time"
)

// Close ends the manager: it waits for open attempts, at most ten seconds, and refuses what comes after.
// What is still open then may end in peace. What the library has logged so far goes to the logger, which is
// given a second more. A second Close does nothing.
func (m *FailoverManager) Close() error {
	return m.CloseWithin(closeTimeout)
}

const closeTimeout = 10 * time.Second

// CloseWithin is Close with another limit. It returns an error of the code CodeBusy if something was
// still open.
func (m *FailoverManager) CloseWithin(limit time.Duration) error {
	if m.fault != nil {
		return nil
	}
	defer runtime.KeepAlive(m)
	err := m.core.close(limit)
	m.core.awaitListeners()
	return err
}

// close ends everything, and doesn't wait for the program's own functions.
func (c *core) close(limit time.Duration) error {
	defer runtime.KeepAlive(c)
	if c.isClosed.Swap(true) {
		return nil
	}
	err := c.native.close(limit)
	c.stopWorker()
	c.lock.Lock()
	defer c.lock.Unlock()
	for open := range c.endings {
		open.close()
	}
	return err
}

// awaitListeners waits until the log is read to its end. The logger is the program's: it may hang, or be
// who closes the manager.
func (c *core) awaitListeners() {
	ended := make(chan struct{})
	go func() {
		c.listeners.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(patience):
	}
}

const patience = time.Second
