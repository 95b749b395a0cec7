"""Numeric loops that run as plain Python, and as machine code where there is much to do.

A loop is plain Python in the part of the language that numba compiles. Called as it stands it
runs without numba, which takes half a second to load: quickest where a process plays one
history. `machine` gives the same loop as machine code, kept on disk between processes.
"""

from collections.abc import Callable, Sequence
from functools import cache
from types import FunctionType
from typing import Protocol, cast

type Stamp = tuple[float, int]

_INLINE = "inline"
"""Attribute of a loop that says how numba puts it into the loops that call it."""
_COUNTED = "counted"
"""Attribute of a loop that says whether machine code counts who holds each array."""


class _CacheFile(Protocol):
    _source_stamp: Stamp

    def _load_index(self) -> dict[object, object]: ...


class _Cache(Protocol):
    _cache_file: _CacheFile
    save_overload: Callable[..., None]


class _Processor(Protocol):
    def magic_tuple(self) -> tuple[object, str, str]: ...


class _Target(Protocol):
    def codegen(self) -> _Processor: ...


class _Builder(Protocol):
    fmul: Callable[..., object]
    fdiv: Callable[..., object]
    fneg: Callable[..., object]
    fma: Callable[..., object]
    fcmp_ordered: Callable[..., object]
    select: Callable[..., object]


class _Dispatcher(Protocol):
    signatures: list[object]
    _cache: _Cache


def compiled[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Let a function be compiled by itself."""
    vars(function)[_INLINE] = "never"
    return function


def in_place[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Let a function be compiled by itself that makes no array and copies none whole into another.

    Those it is given outlive it, so machine code need not count who holds them: of tables with eighty arrays that took
    most of the time of a call.
    """
    vars(function)[_COUNTED] = False
    return compiled(function)


def built_in[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Let a small function become part of every compiled loop that calls it."""
    vars(function)[_INLINE] = "always"
    return function


@built_in
def quotient(whole: float, divisor: float, inverse: float) -> float:
    """Return a whole number divided by another, to the last bit; machine code multiplies, in half the time.

    Parameters
    ----------
    whole : float
        A whole number of any size, infinite or NaN.
    divisor : float
        A whole number of at most a million, so that no quotient is near the middle between two floats.
    inverse : float
        1 divided by that number.
    """
    return whole / divisor


def machine[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Return a loop as machine code: compiled on first call, without the interpreter lock, and stored on disk."""
    return cast("Callable[P, R]", _dispatcher(cast(FunctionType, function)))


def is_compiled(*functions: Callable[..., object]) -> bool:
    """Whether machine code would run at once: all compiled in this process or stored on disk."""
    found = [_dispatcher(cast(FunctionType, one)) for one in functions]
    return all(
        bool(one.signatures) or (_is_stored(one) and bool(one._cache._cache_file._load_index())) for one in found
    )


@cache
def _dispatcher(function: FunctionType) -> _Dispatcher:
    import numba

    if function is quotient:
        return _fused_quotient()
    # The loops that it calls are compiled first and take the place of their plain forms.
    names = {name: function.__globals__.get(name) for name in function.__code__.co_names}
    called = {name: _dispatcher(one) for name, one in names.items() if isinstance(one, FunctionType) and _is_loop(one)}
    linked = FunctionType(function.__code__, {**function.__globals__, **called}, function.__name__)
    linked.__doc__, linked.__qualname__ = function.__doc__, function.__qualname__
    options = {"nogil": True, "error_model": "numpy", "inline": vars(function)[_INLINE]}
    # A loop that says nothing would do as the loop that calls it.
    options["_nrt"] = vars(function).get(_COUNTED, True)
    try:
        made = cast(_Dispatcher, numba.njit(cache=True, **options)(linked))
    except RuntimeError:
        # No folder may be written, neither beside the program nor the user's own: compiled anew each time.
        return cast(_Dispatcher, numba.njit(**options)(linked))
    made._cache.save_overload = _where_it_fits(made._cache.save_overload)
    # Stored code carries the age and size of its own file only, though code of the functions
    # it calls is built in: so it is given the newest age among them all.
    stamps = [one._cache._cache_file._source_stamp for one in (made, *called.values()) if _is_stored(one)]
    made._cache._cache_file._source_stamp = max(age for age, _ in stamps), sum(size for _, size in stamps)
    return made


def _fused_quotient() -> _Dispatcher:
    from numba import types
    from numba.extending import intrinsic

    # A product with the inverse is two units of its last bit away at most, so that what it leaves of the whole number
    # is known exactly: taken off, the quotient is as near as a float can be.
    def written(target: _Target, builder: _Builder, _signature: object, given: Sequence[object]) -> object:
        whole, divisor, inverse = given
        _, _, features = target.codegen().magic_tuple()
        if "+fma" not in features.split(","):
            return builder.fdiv(whole, divisor)
        near = builder.fmul(whole, inverse)
        over = builder.fma(near, divisor, builder.fneg(whole))
        nearest = builder.fma(builder.fneg(over), inverse, near)
        # Of an infinite number nothing is over.
        return builder.select(builder.fcmp_ordered("ord", over, over), nearest, near)

    def quotient(_typing: object, _whole: object, _divisor: object, _inverse: object) -> tuple[object, object]:
        return types.float64(types.float64, types.float64, types.float64), written

    return cast(_Dispatcher, intrinsic(quotient))


def _where_it_fits(save: Callable[..., None]) -> Callable[..., None]:
    # A full disk costs the next process the time of compiling, and this one nothing.
    def saved(*given: object) -> None:
        try:
            save(*given)
        except OSError:
            return

    return saved


def _is_loop(function: FunctionType) -> bool:
    return _INLINE in vars(function)


def _is_stored(found: _Dispatcher) -> bool:
    return hasattr(getattr(found, "_cache", None), "_cache_file")
