"""What a detector's outputs hold that is likely enough: few of thousands of places, as rows of a table.

All numbers of a head are looked at in C++; whatever else belongs to the few is made of them by who asks.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.activation import sigmoid
from vision_service.mlmodel.found import COLUMNS
from vision_service.mlmodel.suppression import Suppression
from vision_service.native.library import Array, Function

_TABLE, _PLACES = Array(np.float64, written=True), Array(np.int64, written=True)
_HEADS = {
    np.dtype(kind): Function(f"likely_of_{name}", Array(kind), *[int] * 8, *[float] * 3, _TABLE, _PLACES)
    for kind, name in ((np.float32, "float"), (np.float64, "double"))
}
_SEPARATE_FLOAT, _SEPARATE_DOUBLE = (
    Function(f"separate_of_{name}", *[Array(kind)] * 3, int, int, int, *[float] * 3, _TABLE)
    for kind, name in ((np.float32, "float"), (np.float64, "double"))
)
_SEPARATE_IN_IMAGE = Function(
    "separate_in_image",
    *[Array(np.float32)] * 3,
    float,
    int,
    int,
    int,
    *[float] * 3,
    int,
    float,
    int,
    *[float] * 6,
    _TABLE,
)
_DOUBTFUL = 1e-12
"""By how much a probability that was computed may be wrong, many times over."""


class Likely(NamedTuple):
    """Places that are likely enough, in their order.

    Attributes:
        table: (N, 6) float64: boxes or zeros, the best class's scores, and its number, counted from the first.
        places: (N,) which places these are.
    """

    table: NDArray[np.float64]
    places: NDArray[np.int64]

    @property
    def scores(self) -> NDArray[np.float64]:
        """The (N,) scores."""
        return self.table[:, 4]

    @property
    def classes(self) -> NDArray[np.int64]:
        """The (N,) class numbers, counted from the first."""
        return self.table[:, 5].astype(np.int64)


def likely(
    head: NDArray[Any],
    minimum: float,
    *,
    places_first: bool = True,
    first: int = 0,
    classes: int | None = None,
    objectness: int | None = None,
    boxes: tuple[float, float] | None = None,
) -> Likely:
    """Return the places of a head whose best class is likely enough; not a number never is.

    Args:
        head: (N, numbers), or (numbers, N), of any real type.
        minimum: The least score that is enough; compared in the head's precision.
        places_first: Whether the head is (N, numbers).
        first: Which number is the score of the first class.
        classes: How many classes there are; None = all numbers from the first on.
        objectness: Which number the scores are multiplied by; None = there is none.
        boxes: The head begins with centre x, centre y, width and height; by what x and y are multiplied. None = there
            are no boxes in it.
    """
    places, numbers = head.shape if places_first else head.shape[::-1]
    places_first = places_first and numbers > 1  # one number of each place: it is both, and this is the slower one
    half = head.dtype == np.float16
    if half:
        minimum = float(np.float16(minimum))
    function = _HEADS.get(head.dtype)
    if function is None:
        head = head.astype(np.float32 if half else np.float64)
        function = _HEADS[head.dtype]
    table, found = np.empty((places, COLUMNS)), np.empty(places, np.int64)
    count = function(
        np.ascontiguousarray(head),
        places,
        numbers,
        places_first,
        first,
        numbers - first if classes is None else classes,
        -1 if objectness is None else objectness,
        half,
        boxes is not None,
        minimum,
        *(boxes or (1.0, 1.0)),
        table,
        found,
    )
    return Likely(table[:count], found[:count])


def separate(
    boxes: NDArray[Any],
    scores: NDArray[Any],
    classes: NDArray[Any],
    minimum: float,
    columns: int,
    form: int,
    first_class: int,
    scale: tuple[float, float],
) -> NDArray[np.float64]:
    """Return the table, (M, 6), of boxes whose scores are likely enough; not a number never is.

    Args:
        boxes: At least (N, 4), of any real type.
        scores: (N,); what leaves 0 to 1 by rounding is brought back.
        classes: At least (N,) class numbers; what cannot be one becomes -1.
        minimum: The least score that is enough; compared in the scores' precision.
        columns: In which column each number of the format stands: two bits each, the first ones lowest.
        form: Which format it is, of :data:`vision_service.mlmodel.boxes.FORMATS`.
        first_class: The number of the first label.
        scale: By what x and y are multiplied.
    """
    function = _SEPARATE_FLOAT
    if not (boxes.dtype == scores.dtype == classes.dtype == np.float32):
        function = _SEPARATE_DOUBLE
        if scores.dtype.kind == "f":
            minimum = float(scores.dtype.type(minimum))
        boxes, scores, classes = (each.astype(np.float64) for each in (boxes, scores, classes))
    boxes, scores, classes = (np.ascontiguousarray(each) for each in (boxes, scores, classes))
    table = np.empty((len(scores), COLUMNS))
    count = function(boxes, scores, classes, columns, form, first_class, minimum, *scale, table)
    return table[:count]


def separate_in_image(
    boxes: NDArray[Any],
    scores: NDArray[Any],
    classes: NDArray[Any],
    count: float,
    minimum: float,
    columns: int,
    form: int,
    first_class: int,
    scale: tuple[float, float],
    suppression: Suppression,
    where: tuple[float, ...],
) -> NDArray[np.float64] | None:
    """Return what :func:`vision_service.mlmodel.suppression.kept` leaves of the same, in one go.

    Args:
        boxes: As of :func:`separate`; N in any shape.
        scores: Likewise.
        classes: Likewise.
        count: Only so many of them mean something; what is no such number = none does.
        minimum: As of :func:`separate`.
        columns: Likewise.
        form: Likewise.
        first_class: Likewise.
        scale: Likewise.
        suppression: What is left of boxes that mean the same object, and how many.
        where: The placement's numbers.

    Returns:
        None if they are not of single precision, as nearly all models have it.
    """
    table = np.empty((scores.size, COLUMNS))
    try:
        kept = _SEPARATE_IN_IMAGE(
            boxes,
            scores,
            classes,
            count,
            columns,
            form,
            first_class,
            minimum,
            *scale,
            *suppression.numbers,
            *where,
            table,
        )
    except TypeError:
        return None
    return table[:kept]


def least_logit(minimum: float) -> float:
    """Return a number below every one of which the logistic function is surely less than that."""
    surely = minimum - _DOUBTFUL
    if surely <= 0:
        return -math.inf
    return math.log(surely / (1 - surely)) if surely < 1 else math.inf


def activated(
    scores: NDArray[Any], activation: str, minimum: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Return the places whose best class is likely enough, in their order, its probability, and its number.

    The logistic function, which takes most of the time, is computed only where it matters.

    Args:
        scores: (N, classes), of any real type.
        activation: "sigmoid" = logits, each by itself; "none" = probabilities.
        minimum: The least probability.
    """
    if activation != "sigmoid":
        found = likely(scores.astype(np.float64), minimum)
        return found.places, found.scores, found.classes
    found = likely(scores, least_logit(minimum))
    if scores.shape[1] == 1:
        best = sigmoid(found.scores)
        enough = np.flatnonzero(best >= minimum)
        return found.places[enough], best[enough], found.classes[enough]
    places = found.places
    few = sigmoid(scores[places].astype(np.float64))
    classes = few.argmax(axis=1) if len(few) else places
    best = few[np.arange(len(few)), classes]
    enough = np.flatnonzero(best >= minimum)
    return places[enough], best[enough], classes[enough]
