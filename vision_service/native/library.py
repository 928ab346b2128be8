"""The library of C++: how it is found, and how its functions are called with NumPy's arrays.

It is called by ctypes, so that it needs nothing but a C++ compiler to be built, is the same for every Python, and lets
other threads run meanwhile. A function is declared once, where it is used, and takes arrays with their lengths: what
does not suit is refused here, before C++ sees it, and that lengths belong together is checked there.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import vision_service
from vision_service.digests import sha256_of
from vision_service.errors import ErrorCode, VisionError

NAME = "libvision_service_native.so"
"""Its file; it lies in one of the folders of the package, as the generated interfaces do."""
SOURCES = Path(__file__).resolve().parent
"""Where the C++ is; installed packages do without."""

_NO_MEMORY, _WRONG_LENGTHS = -1, -2  # Failure in spans.h

_writeable_buffer: Any = ctypes.c_char.from_buffer
_address = ctypes.addressof


class Array:
    """A parameter that is an array in C order.

    Attributes:
        dtype: Of its items.
        written: Whether the function writes into it.
    """

    def __init__(self, dtype: Any, *, written: bool = False) -> None:
        self.dtype = np.dtype(dtype)
        self.written = written
        self._alignment = self.dtype.alignment

    def pointer(self, value: Any, name: str) -> int:
        """Return where an array's items are.

        Raises:
            TypeError: If it is none such.
        """
        if type(value) is np.ndarray and value.dtype is self.dtype:
            if not value.size:
                return self._alignment  # where nobody looks
            try:  # in a fifth of the time: a buffer that can be written to, and lies in C order
                address = _address(_writeable_buffer(value))
                if not address % self._alignment:
                    return address
            except (TypeError, ValueError):
                pass  # it is another one, and looked at below
        suits = isinstance(value, np.ndarray) and value.dtype == self.dtype and value.flags.c_contiguous
        if not suits or not value.flags.aligned or (self.written and not value.flags.writeable):
            kind = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
            wanted = f"{'a writeable' if self.written else 'an'} array of {self.dtype} in C order"
            raise TypeError(f"{name} takes {wanted}, not {kind}")
        return int(value.__array_interface__["data"][0])

    def given(self, value: Any, name: str) -> tuple[int, ...]:
        """Return where an array's items are, and how many."""
        return self.pointer(value, name), value.size


class Rows:
    """A parameter that is an image of bytes, behind each of whose rows there may be others that are not its own."""

    def given(self, value: Any, name: str) -> tuple[int, ...]:
        """Return where it begins, how many bytes there are to its end, and how many from row to row.

        Raises:
            TypeError: If it is none such; `np.ascontiguousarray` of an image is one.
        """
        image = isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim in (2, 3) and value.size > 0
        if image and (stride := row_stride(value)):
            if value.flags.c_contiguous and value.flags.writeable:
                address = _address(_writeable_buffer(value))
            else:
                address = int(value.__array_interface__["data"][0])
            return address, (len(value) - 1) * stride + value[0].size, stride
        kind = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        raise TypeError(f"{name} takes rows of bytes one after the other, not {kind}")


def row_stride(pixels: NDArray[np.uint8]) -> int:
    """Return how many bytes it is from row to row of an image; 0 if its pixels do not lie one after the other.

    Args:
        pixels: (H, W) or (H, W, channels).
    """
    height, width, channels = pixels.shape if pixels.ndim == 3 else (*pixels.shape, 1)
    size = width * channels
    if pixels.flags.c_contiguous:
        return size
    stride, step, *byte = pixels.strides
    ordered = (width == 1 or step == channels) and (channels == 1 or byte == [1])
    stride = size if height == 1 else stride
    return stride if ordered and stride >= size else 0


_TYPES: dict[type, tuple[Any, ...]] = {
    Array: (ctypes.c_void_p, ctypes.c_int64),
    Rows: (ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64),
}


class Function:
    """A function of the library, which is loaded with the first call."""

    def __init__(self, name: str, *parameters: Array | Rows | type[int] | type[float]) -> None:
        """Declare it.

        Args:
            name: Its name in C++.
            parameters: What it takes, in their order. An array is a pointer and a length there, rows are these and how
                many bytes it is from one to the next; int is int64_t, float is double.
        """
        self.name = name
        self._parameters = parameters
        self._function: Any = None
        arrays = [(place, kind) for place, kind in enumerate(parameters) if isinstance(kind, (Array, Rows))]
        self._arrays = arrays[::-1]  # each becomes two or three values: the places before it stay
        self._numbers = [
            (own + sum(len(_TYPES[type(other)]) - 1 for place, other in arrays if place < own), kind)
            for own, kind in enumerate(parameters)
            if not isinstance(kind, (Array, Rows))
        ]

    def __call__(self, *values: Any) -> int:
        """Return what it returns: a number from 0 on.

        Raises:
            TypeError: If a value is not what the function takes, or there are more or fewer.
            ValueError: If the lengths of the arrays do not belong together.
            MemoryError: If there is no memory for it.
            VisionError: INTERNAL, if the library is not there.
        """
        if self._function is None:
            self._function = self._declared()
        if len(values) != len(self._parameters):
            raise TypeError(f"{self.name} takes {len(self._parameters)} values, not {len(values)}")
        arguments = [*values]
        for place, kind in self._arrays:
            arguments[place : place + 1] = kind.given(values[place], self.name)
        try:
            found = self._function(*arguments)
        except ctypes.ArgumentError:  # a whole number of NumPy's is none for ctypes
            for place, number in self._numbers:
                arguments[place] = number(arguments[place])
            found = self._function(*arguments)
        if found >= 0:
            return found
        if found == _NO_MEMORY:
            raise MemoryError(f"{self.name}: out of memory")
        if found == _WRONG_LENGTHS:
            sizes = ", ".join(str(value.size) for value in values if isinstance(value, np.ndarray))
            raise ValueError(f"{self.name}: the lengths of the arrays do not belong together: {sizes}")
        raise RuntimeError(f"{self.name} failed")

    def _declared(self) -> Any:
        function = getattr(library(), self.name)
        function.restype = ctypes.c_int64
        types: list[Any] = []
        for kind in self._parameters:
            if isinstance(kind, (Array, Rows)):
                types += _TYPES[type(kind)]
            else:
                types.append(ctypes.c_int64 if kind is int else ctypes.c_double)
        function.argtypes = types
        return function


@cache
def library() -> ctypes.CDLL:
    """Return the library.

    Raises:
        VisionError: INTERNAL, if it is not there, cannot be loaded, or was compiled from other sources than those here.
    """
    folders = [Path(folder) for folder in vision_service.__path__]
    file = next((folder / NAME for folder in folders if (folder / NAME).exists()), None)
    if file is None:
        places = ", ".join(map(str, folders))
        raise _unusable(f"{NAME} is in none of {places}")
    try:
        found = ctypes.CDLL(str(file))
        digest = found.sources_digest
    except (OSError, AttributeError) as error:
        raise _unusable(f"{error}") from None
    digest.restype = ctypes.c_char_p
    files = sorted([*SOURCES.glob("*.cpp"), *SOURCES.glob("*.h")])
    if files and digest().decode() != sources_digest(files):
        raise _unusable(f"{file} was not compiled from the sources in {SOURCES} as they are now")
    return found


def sources_digest(files: list[Path]) -> str:
    """Return the number by which CMakeLists.txt tells sources apart, of all of them in the order of their names."""
    digests = "".join(sha256_of(file.read_bytes()).hexdigest() for file in files)
    return str(sha256_of(digests.encode()).hexdigest())


def _unusable(why: str) -> VisionError:
    how = "install vision_service again, which compiles it: by make, pip install or colcon build, as it was before"
    return VisionError(ErrorCode.INTERNAL, f"the compiled part of vision_service cannot be used: {why}; {how}")
