package failover

import (
	"runtime"
	"time"
)

// Close ends the manager: it waits for open attempts, at most ten seconds, and refuses what comes after.
// What is still open then may end in peace. A second Close does nothing.
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
	return m.core.close(limit)
}

func (c *core) close(limit time.Duration) error {
	if c.isClosed.Swap(true) {
		return nil
	}
	err := c.native.close(limit)
	c.stopWorker()
	c.lock.Lock()
	for open := range c.endings {
		open.close()
	}
	c.lock.Unlock()
	c.listeners.Wait()
	return err
}
