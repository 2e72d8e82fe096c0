"""Results made one ahead, in a thread of their own."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """`take()` gives the results of `calls` in order; the next is made while one is used.

    Never more than one is made ahead. As a context it ends with the call in flight, if there is
    one, and begins no other.
    """

    def __init__(self, calls: Iterable[Callable[[], T]]):
        self._calls = iter(calls)
        self._pool = ThreadPoolExecutor(1)
        self._next: Future[T] | None = None

    def __enter__(self) -> "Ahead[T]":
        return self

    def __exit__(self, *raised: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _begun(self) -> Future[T] | None:
        call = next(self._calls, None)
        return self._pool.submit(call) if call else None

    def take(self) -> T:
        """The next result; raises what its call raised, and IndexError after the last."""
        now = self._next or self._begun()
        if now is None:
            raise IndexError("every result has been taken")
        self._next = self._begun()
        return now.result()
