//go:build !failover_dynamic && linux && amd64

package failover

// The folder of the archive, so that vendoring takes it along and a new archive is linked again.
import _ "github.com/libfailover/libfailover/bindings/go/lib/linux_amd64"
