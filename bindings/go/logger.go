package failover

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
)

// Logger takes the library's log records. *logrus.Logger, *logrus.Entry and *zap.SugaredLogger are
// loggers as they are; SlogLogger makes one of a *slog.Logger. nil is silence. Records come one after the
// other on a goroutine of the manager's own; while one is written, the library drops the oldest beyond 1,024.
type Logger interface {
	Debugf(format string, arguments ...interface{})
	Infof(format string, arguments ...interface{})
	Warnf(format string, arguments ...interface{})
	Errorf(format string, arguments ...interface{})
}

// SlogLogger makes a Logger of a *slog.Logger; nil stays silence.
func SlogLogger(logger *slog.Logger) Logger {
	if logger == nil {
		return nil
	}
	return slogLogger{logger}
}

type slogLogger struct{ logger *slog.Logger }

func (l slogLogger) write(level slog.Level, format string, arguments []interface{}) {
	if l.logger.Enabled(context.Background(), level) {
		l.logger.Log(context.Background(), level, fmt.Sprintf(format, arguments...))
	}
}

func (l slogLogger) Debugf(format string, arguments ...interface{}) {
	l.write(slog.LevelDebug, format, arguments)
}

func (l slogLogger) Infof(format string, arguments ...interface{}) {
	l.write(slog.LevelInfo, format, arguments)
}

func (l slogLogger) Warnf(format string, arguments ...interface{}) {
	l.write(slog.LevelWarn, format, arguments)
}

func (l slogLogger) Errorf(format string, arguments ...interface{}) {
	l.write(slog.LevelError, format, arguments)
}

type silence struct{}

func (silence) Debugf(string, ...interface{}) {}
func (silence) Infof(string, ...interface{})  {}
func (silence) Warnf(string, ...interface{})  {}
func (silence) Errorf(string, ...interface{}) {}

// orSilence takes nil, and a nil of another type in the interface, for silence.
func orSilence(logger Logger) Logger {
	if logger == nil {
		return silence{}
	}
	switch value := reflect.ValueOf(logger); value.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		if value.IsNil() {
			return silence{}
		}
	}
	return logger
}

// startLog hands the library's records to the logger, until the manager is closed.
func (c *core) startLog() error {
	queue, err := c.native.logs(mostEvents)
	if err != nil {
		return err
	}
	ready, err := watch(queue.fd())
	if err != nil {
		queue.free()
		return err
	}
	c.remember(ready)
	c.listeners.Add(1)
	go func() {
		defer c.listeners.Done()
		defer queue.free()
		var records []record
		take := func() bool {
			records, _ = queue.poll() // none at the end, and what else would there be to do?
			return len(records) > 0
		}
		tell := func() {
			for _, line := range records {
				forward(c.logger, line)
			}
		}
		// The logger is called outside of the wait, which can't be closed from within.
		for ready.wait(take) == nil {
			tell()
		}
		for take() {
			tell()
		}
	}()
	return nil
}

// forward hands one of the library's records to a logger.
func forward(logger Logger, line record) {
	switch line.level {
	case 1:
		logger.Errorf("%s: %s", line.target, line.message)
	case 2:
		logger.Warnf("%s: %s", line.target, line.message)
	case 3:
		logger.Infof("%s: %s", line.target, line.message)
	default:
		logger.Debugf("%s: %s", line.target, line.message)
	}
}
