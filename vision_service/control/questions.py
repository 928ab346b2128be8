"""What the page asks by HTTP.

It is ``POST /api/NAME`` with a JSON object, answered with one, or with ``{"error", "code"}`` and a status from 400 on:

==============  ==========================================  ===================================================
login           {token}                                     {}; sets the cookie
nodes           {}                                          {vision, cameras, mlmodels}
status          {node}                                      what get_status says, with "state"
parameters      {node}                                      {parameters: [...]}
set             {node, values}                              {values}; refused: the reason
commands        {node}                                      {commands: {name: what it does}}
command         {node, command}                             {answer}
lifecycle       {node, transition}                          {state, error}
findings        {}                                          {findings: [...]}
counts          {}                                          {tabs, encoded}
recording       {service, camera, mode}                     what is kept: {armed, images, kept_seconds, bytes, …}
save            {service, camera, mode, form: bag | coco}   a ZIP file, its name in X-File-Name, remarks in X-Remarks
ask             ?service=…&kind=image|cloud, a file's bytes  a binary message of `wire`: "frame" or "cloud"
==============  ==========================================  ===================================================
"""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from vision_service.control.backend import Backend, Watch
from vision_service.control.clouds import cloud_message
from vision_service.control.encoding import frame_message
from vision_service.control.recording import Recording, save, zipped
from vision_service.control.wire import json_bytes, pack
from vision_service.errors import ErrorCode, VisionError, reason

LARGEST_FILE = 64 << 20
"""Of a file that is dropped on the page, bytes."""


class Questions:
    """Answers what is asked; each question in a thread of its own, because most wait for nodes."""

    def __init__(
        self,
        backend: Backend,
        recorded: Callable[[Watch], Recording | None],
        counts: Callable[[], dict[str, Any]],
    ) -> None:
        """Answer from now on.

        Args:
            backend: Knows the robot.
            recorded: Returns what is recorded of what is shown; None = it is not shown.
            counts: Returns how many tabs there are, and what was encoded for them.
        """
        self._backend = backend
        self._recorded = recorded
        self._counts = counts

    async def api(self, request: web.Request) -> web.Response:
        """Answer a question."""
        given = await json_object(request)
        name = request.match_info["name"]
        if name == "save":
            return await self._save(given)
        ask = self._questions().get(name)
        if ask is None:
            raise web.HTTPNotFound(reason=f"there is no {name[:40]!r} here")
        return await self._answer(lambda: ask(given))

    def _questions(self) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
        backend = self._backend
        return {
            "nodes": lambda _: backend.nodes(),
            "status": lambda given: backend.status(_text(given, "node")),
            "parameters": lambda given: {"parameters": backend.parameters(_text(given, "node"))},
            "set": lambda given: {"values": backend.set_parameters(_text(given, "node"), _object(given, "values"))},
            "commands": lambda given: {"commands": backend.commands(_text(given, "node"))},
            "command": lambda given: {"answer": backend.command(_text(given, "node"), _object(given, "command"))},
            "lifecycle": lambda given: backend.change_state(_text(given, "node"), _text(given, "transition")),
            "findings": lambda _: {"findings": backend.findings()},
            "counts": lambda _: self._counts(),
            "recording": lambda given: self._recording(given).status(),
        }

    async def _answer(self, ask: Callable[[], Any]) -> web.Response:
        try:
            found = await asyncio.to_thread(ask)
        except VisionError as error:
            return web.Response(
                status=400,
                body=json_bytes({"error": error.message, "code": error.code.name}),
                content_type="application/json",
            )
        except Exception as error:
            logging.getLogger(__name__).exception("a question of the control page failed")
            return web.Response(status=500, body=json_bytes({"error": reason(error)}), content_type="application/json")
        if isinstance(found, bytes):
            return web.Response(body=found, content_type="application/octet-stream")
        return web.Response(body=json_bytes(found), content_type="application/json")

    def _recording(self, given: Mapping[str, Any]) -> Recording:
        """Return what is recorded of what a tab shows.

        Raises:
            VisionError: NO_FRAME, if no tab shows it.
        """
        found = self._recorded(watch_of(given))
        if found is None:
            raise VisionError(ErrorCode.NO_FRAME, "nothing is recorded: arm the recording while the camera is shown")
        return found

    async def _save(self, given: Mapping[str, Any]) -> web.Response:
        """Return what is recorded as a ZIP file."""
        told: dict[str, str] = {}

        def save_it() -> bytes:
            recording = self._recording(given)
            service = str(given.get("service") or "")
            known: Mapping[str, Any] = next(
                (each for each in self._backend.nodes()["vision"] if each["name"] == service), {}
            )
            with tempfile.TemporaryDirectory(prefix="vision_service.") as folder:
                form = str(given.get("form", "bag"))
                saved = save(recording.moments(), form, Path(folder), labels=known.get("labels", ()))
                archive = zipped(saved.path)
                told.update({"X-File-Name": archive.name, "X-Remarks": json.dumps(saved.remarks)})
                return archive.read_bytes()

        answer = await self._answer(save_it)
        answer.headers.update(told)
        return answer

    async def ask(self, request: web.Request) -> web.Response:
        """Return what a service says of a file."""
        if request.content_type != "application/octet-stream":
            raise web.HTTPUnsupportedMediaType(reason="send the file as application/octet-stream")
        data = await _file(request)
        service, kind = request.query.get("service", ""), request.query.get("kind", "image")

        def ask() -> bytes:
            if kind == "cloud":
                shown = self._backend.ask_cloud(service, data)
                message = cloud_message(shown)
                if message is None:
                    raise VisionError(ErrorCode.INVALID_ARGUMENT, "the file has no points")
            else:
                return pack(*frame_message(self._backend.ask_image(service, data)))
            return pack(*message)

        return await self._answer(ask)


async def json_object(request: web.Request) -> dict[str, Any]:
    """Return the JSON object of a request.

    Raises:
        HTTPException: 415, if it is said to be something else; 400, if it is none.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(reason="send application/json")
    try:
        given = json.loads(await request.text())
        json.dumps(given, ensure_ascii=False).encode()  # half a surrogate pair is no string that ROS can send
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(reason="that is no JSON") from None
    if not isinstance(given, dict):
        raise web.HTTPBadRequest(reason="send a JSON object")
    return given


async def _file(request: web.Request) -> bytes:
    """Return the file that a request brings.

    Raises:
        HTTPException: 413, if it is too large.
    """
    data = bytearray()
    async for chunk in request.content.iter_any():  # not read(), which takes no more than JSON may have
        data += chunk
        if len(data) > LARGEST_FILE:
            raise web.HTTPRequestEntityTooLarge(LARGEST_FILE, len(data))
    return bytes(data)


def watch_of(said: Mapping[str, Any]) -> Watch:
    """Return what a tab says that it shows."""
    return Watch(str(said.get("service") or ""), str(said.get("camera") or ""), live=said.get("mode") == "live")


def _text(given: Mapping[str, Any], name: str) -> str:
    """Return a text of a request.

    Raises:
        VisionError: INVALID_ARGUMENT, if there is none.
    """
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{name!r} must be a string")
    return value


def _object(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    if not isinstance(value, dict):
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{name!r} must be a JSON object")
    return value
