"""A cache that forgets what was not used for longest, safe to use from many threads."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["BoundedCache"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Holds values up to a limit.

    Parameters
    ----------
    limit : int
        On the sum of the weights.
    weigh : callable
        Returns the weight of a value.
    dropped : callable
        Called with each value that leaves.
    """

    def __init__(
        self, limit: int, weigh: Callable[[V], int], dropped: Callable[[V], None] | None = None
    ) -> None:
        self._limit, self._weigh, self._dropped = limit, weigh, dropped
        self._values: OrderedDict[K, V] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """Return the value, which counts as a use, or None."""
        with self._lock:
            # Moved to the end: the first is the one not used for longest.
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def add(self, key: K, value: V) -> V:
        """Keep a value unless another thread was first; return the one that is kept."""
        leaving = []
        with self._lock:
            if (kept := self._values.get(key)) is None:
                kept = self._values[key] = value
                self._weight += self._weigh(value)
                # The value just added stays even if it is above the limit alone: somebody waits for
                # it.
                while self._weight > self._limit and len(self._values) > 1:
                    leaving.append(self._forget(next(iter(self._values))))
            else:
                leaving.append(value)
        self._tell(leaving)
        return kept

    def drop(self, key: K) -> None:
        """Forget a value, if it is there."""
        with self._lock:
            leaving = [self._forget(key)] if key in self._values else []
        self._tell(leaving)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            leaving = [self._forget(key) for key in list(self._values)]
        self._tell(leaving)

    def _forget(self, key: K) -> V:
        value = self._values.pop(key)
        self._weight -= self._weigh(value)
        return value

    def _tell(self, leaving: list[V]) -> None:
        # Outside the lock: closing a file can take long.
        for value in leaving if self._dropped else ():
            self._dropped(value)  # type: ignore[misc]
