package failover

// Snapshots: the endpoints behind the numbers that the hot path hands out.

/*
#include "glue.h"
*/
import "C"

import (
	"github.com/libfailover/libfailover/bindings/go/types"
)

// member is an endpoint of a snapshot.
type member struct {
	number   uint64
	retired  bool
	endpoint *types.ServiceEndpoint
}

// version is that of the set as it is now.
func (p nativePool) version() (uint64, error) {
	var snapshot *C.failover_snapshot
	var object *C.failover_error
	if err := failed(C.failover_pool_snapshot(p.ptr, &snapshot, &object), object); err != nil {
		return 0, err
	}
	defer C.failover_snapshot_free(snapshot)
	return uint64(C.failover_snapshot_version(snapshot)), nil
}

func (p nativePool) snapshot() (version uint64, members []member, err error) {
	var snapshot *C.failover_snapshot
	var object *C.failover_error
	if err := failed(C.failover_pool_snapshot(p.ptr, &snapshot, &object), object); err != nil {
		return 0, nil, err
	}
	defer C.failover_snapshot_free(snapshot)
	members = make([]member, int(C.failover_snapshot_len(snapshot)))
	for at := range members {
		var number C.failover_endpoint_id
		desc := C.failover_endpoint_desc{struct_size: C.sizeof_failover_endpoint_desc}
		code := C.failover_snapshot_get(snapshot, C.size_t(at), &number, &desc)
		if code != C.FAILOVER_OK {
			return 0, nil, bare(int(code))
		}
		endpoint := &types.ServiceEndpoint{
			ID: goString(desc.id), Name: goString(desc.name), Address: goString(desc.address),
			Port: int(desc.port), Protocol: goString(desc.protocol), Weight: int(desc.weight),
			Priority: int(desc.priority),
		}
		readLabels(endpoint, goString(desc.tags_json), goString(desc.metadata_json), goString(desc.health_check_json))
		members[at] = member{uint64(number), desc.flags&C.FAILOVER_ENDPOINT_RETIRED != 0, endpoint}
	}
	return uint64(C.failover_snapshot_version(snapshot)), members, nil
}
