"""A check of the program's own: here, an asynchronous one that asks a table instead of a server."""

import asyncio

import failover

UP = {"a": False, "b": True}


async def check(endpoint: failover.Endpoint) -> tuple[bool, str]:
    await asyncio.sleep(0)
    return UP[endpoint.id], "the table says so"


async def main() -> None:
    # A check runs on the loop that ran when it was given.
    async with failover.FailoverManager(check=check) as manager:
        for port, id in enumerate(UP, 8081):
            manager.register_endpoint(
                id=id,
                name="users",
                address="127.0.0.1",
                port=port,
                health_check=failover.HealthCheck(type="custom"),
            )
        # Checks go on by themselves; this one is made now and waited for. The first one decides at
        # once, later ones only by rise and fall.
        for id, health in (await manager.health_check_all_async()).items():
            print(id, "is", health)
        print("picked", manager.pool("users").select().id)


asyncio.run(main())
