"""The shared store of several brokers: Redis or Valkey."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from broker.store.base import GROUPED, Kind, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["RedisStore"]

LISTED = (
    frozenset(
        {
            Kind.RUNNING,
            Kind.HISTORY,
            Kind.MESSAGE,
            Kind.SHARE,
            Kind.BAN,
            Kind.NETWORK,
            Kind.INSTANCE,
            Kind.REPORT,
            Kind.VNET,
        }
    )
    | GROUPED
)
"""Kinds that `newest` is asked for: a sorted set holds their keys by the time of the last put."""
MAX_LISTED = 100_000
"""Keys in such a set; the oldest are forgotten first."""
GROUP_LIVES = 14 * 86400
"""Seconds after the last put that it is known at least what is in a group: records are extended."""
TIMEOUT = 3.0
"""Seconds that Redis has for an answer."""
TURN = 10.0
"""Seconds that a call waits for a connection, which is longer: a thousand calls at once keep a busy broker busy."""
SWAP = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
return 1
"""
"""A script, since Redis runs one without anything in between."""
CONNECTIONS = 16
"""To Redis, at most: calls beyond wait for their turn. A broker that drains settles thousands of tunnels at once."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _answering(
    method: Callable[Arguments, Coroutine[Any, Any, Result]],
) -> Callable[Arguments, Coroutine[Any, Any, Result]]:
    """Turn the client's errors into ours."""

    @functools.wraps(method)
    async def call(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        try:
            return await method(*arguments, **options)
        except (RedisError, OSError) as error:
            raise StoreError(f"the store does not answer: {type(error).__name__}") from None

    return call


class RedisStore:
    """See `Store`."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        """Describe the server; nothing is opened before the first call.

        Args:
            url: `redis://`, `rediss://` or `unix://`, as redis-py takes it.
            clock: Unix seconds.
        """
        self._clock = clock
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=TURN,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            health_check_interval=30,
            # a connection that broke says nothing of the next one; a server that is silent once stays so
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        )
        self._redis: Any = Redis.from_pool(pool)

    @_answering
    async def add(self, kind: Kind, key: str, value: bytes, expires: float) -> bool:
        """See `Store.add`."""
        done = await self._redis.set(_key(kind, key), value, pxat=_milliseconds(expires), nx=True)
        if done and kind in LISTED:
            await self._list_it(kind, key, expires)
        return bool(done)

    @_answering
    async def put(self, kind: Kind, key: str, value: bytes, expires: float) -> None:
        """See `Store.put`."""
        async with self._redis.pipeline() as all_of_it:
            all_of_it.set(_key(kind, key), value, pxat=_milliseconds(expires))
            if kind in LISTED:
                self._list(all_of_it, kind, key, expires)
            await all_of_it.execute()

    @_answering
    async def swap(self, kind: Kind, key: str, old: bytes, new: bytes, expires: float) -> bool:
        """See `Store.swap`."""
        done = await self._redis.eval(SWAP, 1, _key(kind, key), old, new, _milliseconds(expires))
        if done and kind in LISTED:
            await self._list_it(kind, key, expires)
        return bool(done)

    @_answering
    async def get(self, kind: Kind, key: str) -> bytes | None:
        """See `Store.get`."""
        value: bytes | None = await self._redis.get(_key(kind, key))
        return value

    @_answering
    async def extend(self, kind: Kind, key: str, expires: float) -> bool:
        """See `Store.extend`."""
        return bool(await self._redis.pexpireat(_key(kind, key), _milliseconds(expires)))

    @_answering
    async def delete(self, kind: Kind, key: str) -> bool:
        """See `Store.delete`."""
        return bool(await self._redis.delete(_key(kind, key)))

    @_answering
    async def count(self, kind: Kind, key: str, expires: float) -> int:
        """See `Store.count`."""
        async with self._redis.pipeline() as both:
            both.incr(_key(kind, key))
            both.pexpireat(_key(kind, key), _milliseconds(expires))
            total, _ = await both.execute()
        return int(total)

    @_answering
    async def newest(self, kind: Kind, limit: int, group: str = "") -> dict[str, bytes]:
        """See `Store.newest`."""
        listing = _list(kind, group)
        found: dict[str, bytes] = {}
        start = 0
        while len(found) < limit:
            keys = [name.decode() for name in await self._redis.zrevrange(listing, start, start + limit - 1)]
            if not keys:
                break
            values = await self._redis.mget([_key(kind, key) for key in keys])
            found |= {key: value for key, value in zip(keys, values, strict=True) if value is not None}
            gone = [key for key, value in zip(keys, values, strict=True) if value is None]
            if gone:
                await self._redis.zrem(listing, *gone)
            start += len(keys) - len(gone)
        return dict(list(found.items())[:limit])

    async def close(self) -> None:
        """See `Store.close`."""
        await self._redis.aclose()

    async def _list_it(self, kind: Kind, key: str, expires: float) -> None:
        async with self._redis.pipeline() as all_of_it:
            self._list(all_of_it, kind, key, expires)
            await all_of_it.execute()

    def _list(self, pipeline: Any, kind: Kind, key: str, expires: float) -> None:
        """Add what lists a key to a pipeline: one round trip for all of it."""
        pipeline.zadd(_list(kind), {key: self._clock()})
        pipeline.zremrangebyrank(_list(kind), 0, -MAX_LISTED - 1)
        if kind in GROUPED:
            group = _list(kind, key.partition(":")[0])
            pipeline.zadd(group, {key: self._clock()})
            pipeline.zremrangebyrank(group, 0, -MAX_LISTED - 1)
            pipeline.expire(group, max(GROUP_LIVES, int(expires - self._clock()) + 1))


def _key(kind: Kind, key: str) -> str:
    return f"fanlight:{kind.value}:{key}"


def _list(kind: Kind, group: str = "") -> str:
    return f"fanlight:{kind.value}:in:{group}" if group else f"fanlight:{kind.value}"


def _milliseconds(expires: float) -> int:
    return max(1, int(expires * 1000))
