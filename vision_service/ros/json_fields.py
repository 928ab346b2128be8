"""The JSON in the requests of services."""

from __future__ import annotations

import json
from typing import Any

from vision_service.errors import ErrorCode, VisionError

LONGEST_JSON = 65_536
"""Of the JSON in a request, characters: read in the executor, so it must not take long."""


def json_object(text: str, field: str) -> dict[str, Any]:
    """Return the JSON object in a field of a request; an empty text is an empty object.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is no JSON, or no object, or longer than LONGEST_JSON.
    """
    if not text:
        return {}
    try:
        if len(text) > LONGEST_JSON:
            msg = f"{field!r} may have at most {LONGEST_JSON} characters, not {len(text)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{field!r} is no JSON: {error}") from None
    if not isinstance(value, dict):
        example = '{"command": "help"}' if field == "command" else '{"key": "value"}'
        msg = f"{field!r} must be a JSON object such as {example}, not {text[:80]}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return value
