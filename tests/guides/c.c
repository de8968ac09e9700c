/* What the C blocks of the README and the guide leave out. `run.sh` fills the blocks in. */
#include <failover.h>
#include <string.h>

//= docs/guides/c.md 1

static failover_str text(const char *chars) { return (failover_str) { chars, strlen(chars) }; }

static const char *const servers_text = "[{ \"id\": \"a\", \"address\": \"127.0.0.1\", \"port\": 1 }]";

static failover_code readme(void)
{
    failover_manager *manager = NULL;
    failover_pool *pool = NULL;
    failover_error *error = NULL;
    failover_str none = { NULL, 0 }, config = none, servers = text(servers_text);
    void *user_data = NULL;
    uint32_t (*attempt)(void *, const failover_endpoint_desc *, const failover_lease *, uint64_t) = get;
    //= README.md 1
    failover_pool_free(pool);
    failover_manager_free(manager);
    return error == NULL ? FAILOVER_OK : failover_error_code(error);
}

/* The loop is for an event loop to turn: compiled, and not run. */
void machine(failover_pool *pool, failover_request request)
{
    failover_call *call = NULL;
    failover_action action;
    failover_error *error = NULL;
    //= docs/guides/c.md 3
}

int main(void)
{
    failover_manager *manager = NULL;
    failover_pool *pool = NULL;
    failover_error *error = NULL;
    failover_str servers_json = text(servers_text);
    void *user_data = NULL;
    failover_code code;
    //= docs/guides/c.md 2
    failover_pool_free(pool);
    failover_manager_free(manager);
    return code != FAILOVER_OK || readme() != FAILOVER_OK;
}
