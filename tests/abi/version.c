/* The header's macros have the values of the library, by value and not by name alone. */
#include "check.h"

int main(void) {
    const uint32_t sizes[] = {sizeof(failover_str),           sizeof(failover_lease),
                              sizeof(failover_request),       sizeof(failover_input),
                              sizeof(failover_action),        sizeof(failover_endpoint_desc),
                              sizeof(failover_event),         sizeof(failover_log_record),
                              sizeof(failover_endpoint_stats),  sizeof(failover_work)};
    const uint32_t other[] = {sizeof(failover_str), 1};
    char made[32];
    snprintf(made, sizeof made, "%d.%d.%d", FAILOVER_VERSION_MAJOR, FAILOVER_VERSION_MINOR,
             FAILOVER_VERSION_PATCH);

    CHECK(strcmp(made, FAILOVER_VERSION) == 0);
    CHECK(strcmp(failover_version(), FAILOVER_VERSION) == 0);
    CHECK(failover_version_number() == FAILOVER_VERSION_NUMBER);
    CHECK(FAILOVER_VERSION_NUMBER == ((FAILOVER_VERSION_MAJOR << 24) | (FAILOVER_VERSION_MINOR << 16) |
                                      (FAILOVER_VERSION_PATCH << 8)));
    CHECK(failover_abi_version() == FAILOVER_ABI_VERSION);
    OK(failover_abi_check(FAILOVER_ABI_VERSION, sizes, 10));
    OK(failover_abi_check(FAILOVER_ABI_VERSION, NULL, 0));
    GIVES(FAILOVER_E_UNSUPPORTED, failover_abi_check(FAILOVER_ABI_VERSION + 1, sizes, 10));
    GIVES(FAILOVER_E_UNSUPPORTED, failover_abi_check(FAILOVER_ABI_VERSION, other, 2));
    GIVES(FAILOVER_E_UNSUPPORTED, failover_abi_check(FAILOVER_ABI_VERSION, sizes, 99));
    GIVES(FAILOVER_E_NULL_ARGUMENT, failover_abi_check(FAILOVER_ABI_VERSION, NULL, 9));
    printf("version: %s in header and library\n", FAILOVER_VERSION);
    return 0;
}
