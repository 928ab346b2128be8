"""The asynchronous twins of the clients' methods, made of the methods themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import Future
from functools import wraps
from inspect import cleandoc, signature
from types import GenericAlias
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

Client = TypeVar("Client")
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

SECTION = re.compile(r"^(Args|Raises):\n((?:(?: .*)?\n?)+)", re.MULTILINE)
"""A section of a docstring."""
BEFORE = "    VisionError: INVALID_ARGUMENT or NOT_ACTIVE, before anything is sent."


class Awaiting:
    """What the methods of clients end with: they wait for the answer, their twins do not."""

    _awaits = True

    def _answered(self, answer: Future[Result]) -> Result:
        """Return what is answered; to a twin the future, which it returns instead."""
        return answer.result() if self._awaits else cast("Result", answer)


def later(
    method: Callable[Concatenate[Client, Parameters], Result],
) -> Callable[Concatenate[Client, Parameters], Future[Result]]:
    """Return the twin ``…_async`` of a client's method: it takes the same, and returns a future of what that returns.

    Args:
        method: Returns what ``_answered`` does, as the last it does: its twin gets the future from it.
    """

    @wraps(method)
    def twin(client: Client, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Future[Result]:
        # A copy, in a fifth of copy.copy's time: other threads call by the client itself.
        asking: Any = object.__new__(type(client))
        asking.__dict__.update(client.__dict__, _awaits=False)
        return cast("Future[Result]", method(asking, *args, **kwargs))

    described: Any = twin
    described.__name__ = f"{method.__name__}_async"
    described.__qualname__ = f"{method.__qualname__}_async"
    returned = method.__annotations__["return"]
    described.__annotations__ = {**method.__annotations__, "return": GenericAlias(Future, returned)}
    described.__signature__ = signature(method).replace(return_annotation=f"Future[{returned}]")
    described.__doc__ = twins_docstring(method.__name__, method.__doc__)
    return cast("Callable[Concatenate[Client, Parameters], Future[Result]]", twin)


def twins_docstring(name: str, docstring: str | None) -> str | None:
    """Return the docstring of a method's twin, None if the method has none (python -OO).

    Args:
        name: The method's.
        docstring: The method's, in Google's style.
    """
    if docstring is None:
        return None
    text = cleandoc(docstring)
    summary = text.partition("\n")[0]
    returned = summary.removeprefix("Return ") if summary.startswith("Return ") else f"what `{name}` returns."
    sections = {title: body.rstrip("\n") for title, body in SECTION.findall(text)}
    others = [line for line in sections["Raises"].splitlines() if re.match(r"    (?!VisionError)\w+:", line)]
    return "\n".join(
        [
            *(f"Return a future of {returned}", "", "Args:", sections["Args"], ""),
            *("Returns:", f"    A future of what `{name}` returns or raises.", ""),
            *("Raises:", BEFORE, *others),
        ]
    )
