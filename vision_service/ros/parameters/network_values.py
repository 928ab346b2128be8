"""What parameters may be set to over the network: by peers, who are not who started the node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from vision_service.allowed_paths import AllowedPaths
from vision_service.configuration import Attribute, Names
from vision_service.errors import ErrorCode, VisionError

LONGEST_TEXT = 4096
"""Of a string parameter over the network, characters."""
MOST_ITEMS = 1000
"""Of a list parameter over the network."""
_FILES = (Names.FILE, Names.FILE_URL, Names.STREAM)


class NetworkValues:
    """Checks values that come over the network by what their declaration says that they name.

    What the start parameters gave a parameter, it may be given again.
    """

    def __init__(
        self,
        given: Mapping[str, Any],
        attributes: Callable[[], Mapping[str, Attribute]],
        allowed: Callable[[str], Sequence[str]],
        node_name: str,
    ) -> None:
        """Check nothing yet.

        Args:
            given: The start parameters.
            attributes: Returns what is declared.
            allowed: Returns the value of the parameter ``allowed_paths`` or ``allowed_urls``.
            node_name: For ${NAME} in a URL of a calibration.
        """
        self._given = dict(given)
        self._attributes = attributes
        self._allowed = allowed
        self._node_name = node_name

    def check(self, name: str, attribute: Attribute, value: Any) -> None:
        """Refuse a value; one of a wrong type is passed over, because others refuse that.

        Raises:
            VisionError: INVALID_ARGUMENT, saying what to do.
        """
        trusted = [*_strings(self._given.get(name)), *_strings(attribute.default)]
        if isinstance(value, Sequence) and not isinstance(value, str) and len(value) > MOST_ITEMS:
            raise _refusal(f"{name!r} may have at most {MOST_ITEMS} items over the network, not {len(value)}")
        for text in _strings(value):
            if text in trusted:
                continue
            if len(text) > LONGEST_TEXT:
                msg = f"{name!r} may have at most {LONGEST_TEXT} characters over the network, not {len(text)}"
                raise _refusal(f"{msg}: give it as a start parameter")
            if text or attribute.names is Names.LIBRARY:
                self._check(name, attribute.names, text)

    def _check(self, name: str, names: Names, text: str) -> None:
        if names is Names.LIBRARY:
            if text or "." in name:
                msg = (
                    f"{name!r} decides which library is loaded, or how, and can be given at the start only: put it into"
                    " the node's parameter file or on its command line (-p), and start the node again"
                )
                raise _refusal(msg)
        elif names is Names.STREAM and _is_url(text):
            from vision_service.camera.allowed_urls import check_url

            check_url(text, self._allowed("allowed_urls"), of=name)
        elif names is Names.DEVICE:
            self._paths().check(text, of=name, device=True)
        elif names is Names.FILE_URL:
            self._paths().check(self._calibration(text), of=name)
        elif names in _FILES:
            self._paths().check(text, of=name)

    def _paths(self) -> AllowedPaths:
        named = [
            text
            for name, attribute in self._attributes().items()
            if attribute.names in _FILES
            for text in _strings(self._given.get(name))
            if text
        ]
        return AllowedPaths(self._allowed("allowed_paths"), named_at_start=list(self._plain(named)))

    def _plain(self, named: Iterable[str]) -> Iterable[str]:
        """Yield the files among what start parameters name."""
        for text in named:
            if _is_url(text):
                continue
            try:
                yield self._calibration(text) if "://" in text else text
            except VisionError:  # what it is to be is said when the node is configured
                continue

    def _calibration(self, url: str) -> str:
        """Return the file that the URL of a calibration names."""
        from vision_service.camera.calibration_file import path_of  # few nodes have one

        return str(path_of(url, camera_name=self._node_name)[0])


def _is_url(text: str) -> bool:
    from vision_service.camera import urls

    return urls.is_url(text)


def _strings(value: Any) -> list[str]:
    """Return the strings of a value, of a list or of a map."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [item for item in value.values() if isinstance(item, str)]
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [item for item in value if isinstance(item, str)]
    return []


def _refusal(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
