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
    return cast("Callable[P, R]", _dispatcher(function, inline="never"))


def built_in[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Make a small function part of every compiled loop that calls it."""
    return cast("Callable[P, R]", _dispatcher(function, inline="always"))


def is_compiled(*functions: Callable[..., object]) -> bool:
    """Whether calls would run at once: all compiled in this process or stored on disk."""
    return all(
        bool(one.signatures) or (_is_stored(one) and bool(one._cache._cache_file._load_index()))
        for one in cast("tuple[_Dispatcher, ...]", functions)
    )


def _dispatcher(function: Callable[..., object], inline: str) -> object:
    options = {"nogil": True, "error_model": "numpy", "inline": inline}
    try:
        made = numba.njit(cache=True, **options)(function)
    except RuntimeError:
        # No folder may be written, neither beside the program nor the user's own: compiled anew each time.
        return numba.njit(**options)(function)
    _renew_with_callees(made)
    return cast("object", made)


def _is_stored(found: object) -> bool:
    return hasattr(getattr(found, "_cache", None), "_cache_file")


def _renew_with_callees(dispatcher: _Dispatcher) -> None:
    # Stored code carries the age and size of its own file only, though code of the
    # functions it calls is built in: so it is given the newest age among them all.
    code = dispatcher.py_func.__code__
    called = [dispatcher.py_func.__globals__.get(name) for name in code.co_names]
    stamps = [
        cast(_Dispatcher, found)._cache._cache_file._source_stamp
        for found in (dispatcher, *called)
        if _is_stored(found)
    ]
    dispatcher._cache._cache_file._source_stamp = (
        max(age for age, _ in stamps),
        sum(size for _, size in stamps),
    )
