"""Compile numeric loops to machine code, kept on disk between processes."""

from collections.abc import Callable
from typing import Protocol, cast

import numba

type Stamp = tuple[float, int]


class _CacheFile(Protocol):
    _source_stamp: Stamp

    def _load_index(self) -> dict[object, object]: ...


class _Cache(Protocol):
    _cache_file: _CacheFile


class _Dispatcher(Protocol):
    signatures: list[object]
    py_func: Callable[..., object]
    _cache: _Cache


def compiled[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Compile on first call, without the interpreter lock, and store the result on disk."""
    wrapped = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    _renew_with_callees(wrapped)
    result: Callable[P, R] = wrapped
    return result


def built_in[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Make a small function part of every compiled loop that calls it."""
    wrapped = numba.njit(inline="always", cache=True, nogil=True, error_model="numpy")(function)
    _renew_with_callees(wrapped)
    result: Callable[P, R] = wrapped
    return result


def is_compiled(function: Callable[..., object]) -> bool:
    """Whether a call would run at once: compiled in this process or stored on disk."""
    dispatcher = cast(_Dispatcher, function)
    return bool(dispatcher.signatures) or bool(dispatcher._cache._cache_file._load_index())


def _renew_with_callees(dispatcher: _Dispatcher) -> None:
    # Stored code carries the age and size of its own file only, though code of the
    # functions it calls is built in: so it is given the newest age among them all.
    code = dispatcher.py_func.__code__
    called = [dispatcher.py_func.__globals__.get(name) for name in code.co_names]
    stamps = [
        cast(_Dispatcher, found)._cache._cache_file._source_stamp
        for found in (dispatcher, *called)
        if hasattr(found, "py_func")
    ]
    dispatcher._cache._cache_file._source_stamp = (
        max(age for age, _ in stamps),
        sum(size for _, size in stamps),
    )
