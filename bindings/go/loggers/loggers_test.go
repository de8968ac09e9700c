// Package loggers shows that the loggers which most programs have are failover's loggers as they are.
package loggers

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

func TestLogrus_and_zap_take_the_librarys_records(t *testing.T) {
	var written bytes.Buffer
	logger := logrus.New()
	logger.SetOutput(&written)
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	sugared := zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&written), zapcore.InfoLevel)).Sugar()
	for name, one := range map[string]failover.Logger{
		"*logrus.Logger": logger, "*logrus.Entry": logger.WithField("part", "failover"), "*zap.SugaredLogger": sugared,
	} {
		written.Reset()

		logAWarning(t, one)

		if text := written.String(); !strings.Contains(text, "warn") || !strings.Contains(text, "elsewhere") {
			t.Errorf("%s: expected a warning of the default provider, got %q", name, text)
		}
	}
}

func TestA_logrus_logger_that_is_nil_is_silence(t *testing.T) {
	var none *logrus.Logger
	logAWarning(t, none)
}

func TestThe_level_of_logrus_holds(t *testing.T) {
	var written bytes.Buffer
	logger := logrus.New()
	logger.SetOutput(&written)
	logger.SetLevel(logrus.ErrorLevel)

	logAWarning(t, logger)

	if written.Len() > 0 {
		t.Errorf("expected nothing, got %q", written.String())
	}
}

// logAWarning makes a manager whose default provider isn't there, which is worth a warning.
func logAWarning(t *testing.T, logger failover.Logger) {
	t.Helper()
	config := &failover.ManagerConfig{DefaultProvider: "elsewhere", FallbackEnabled: true}
	manager := failover.NewFailoverManager(config, logger)
	endpoint := &types.ServiceEndpoint{ID: "a", Name: "users", Address: "127.0.0.1", Port: 8080}
	if err := manager.RegisterEndpoint(context.Background(), endpoint); err != nil {
		t.Fatal(err)
	}
	if err := manager.Close(); err != nil {
		t.Fatal(err)
	}
}
