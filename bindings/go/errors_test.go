package failover_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

func TestErrors_of_the_standard_library_are_understood(t *testing.T) {
	refused := listenAndClose(t)
	_, dialError := http.Get("http://" + refused)
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(200 * time.Millisecond) }))
	defer slow.Close()
	_, timeoutError := (&http.Client{Timeout: 10 * time.Millisecond}).Get(slow.URL)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // that its client hangs up is meant
	secure.StartTLS()
	defer secure.Close()
	_, handshakeError := http.Get(secure.URL)

	for name, one := range map[string]struct {
		err     error
		outcome types.Outcome
	}{
		"refused":          {dialError, types.OutcomeUnsent},
		"unknown host":     {&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, types.OutcomeUnsent},
		"slow":             {timeoutError, types.OutcomeTimeout},
		"untrusted":        {handshakeError, types.OutcomeUnsent},
		"deadline":         {context.DeadlineExceeded, types.OutcomeTimeout},
		"cancelled":        {context.Canceled, types.OutcomeCancelled},
		"plain":            {errBroken, types.OutcomeFailure},
		"permanent":        {failover.Permanent(errBroken), types.OutcomeRejected},
		"unsent":           {failover.Unsent(errBroken), types.OutcomeUnsent},
		"ignored":          {failover.Ignore(errBroken), types.OutcomeLocal},
		"not found":        {failover.ErrNotFound, types.OutcomeRejected},
		"tagged by others": {errors.Join(errBroken, failover.Permanent(errBroken)), types.OutcomeRejected},
	} {
		if one.err == nil {
			t.Fatalf("%s: there is no error", name)
		}
		outcome, _ := failover.Classify(one.err)
		want(t, name, one.outcome, outcome)
	}
	outcome, rest := failover.Classify(failover.RetryAfter(errBroken, time.Second))
	want(t, "retry after", types.OutcomeThrottled, outcome)
	want(t, "rest", time.Second, rest)
}

// listenAndClose is an address where nobody listens.
func listenAndClose(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
