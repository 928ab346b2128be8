"""What tabs show: one channel for each camera and service, for as long as a tab shows it."""

import asyncio
import socket
import threading

from vision_service.control.backend import Watch
from vision_service.control.channels import Channels
from vision_service.control.tab import Tab

WATCH = Watch(service="/detector", camera="camera")
WANTS = frozenset({"image"})


class Watched:
    """What is shown: how often it is watched, and when that may end."""

    def __init__(self):
        self.now = 0
        self.ending, self.may_end = threading.Event(), threading.Event()

    def watch(self, wanted, show, problem):
        self.now += 1
        return self.end

    def end(self):
        self.ending.set()
        assert self.may_end.wait(20)
        self.now -= 1


async def new_tab():
    ours, _ = socket.socketpair()
    _, writer = await asyncio.open_unix_connection(sock=ours)
    return Tab(writer.transport)


def test_a_tab_that_comes_while_the_last_one_leaves_is_shown_it_too():
    async def look():
        watched = Watched()
        channels = Channels(watched)
        first, second = await new_tab(), await new_tab()
        await channels.show(first, WATCH, WANTS)
        leaving = asyncio.create_task(channels.show(first, None, frozenset()))
        assert await asyncio.to_thread(watched.ending.wait, 20)
        coming = asyncio.create_task(channels.show(second, WATCH, WANTS))
        await asyncio.sleep(0)
        watched.may_end.set()
        await asyncio.gather(leaving, coming)
        assert watched.now == 1
        await channels.show(second, None, frozenset())
        assert watched.now == 0

    asyncio.run(look())


def test_what_cannot_be_watched_is_forgotten_when_its_tab_leaves():
    class Refusing:
        def watch(self, wanted, show, problem):
            raise ValueError("there is no such camera")

    async def look():
        channels = Channels(Refusing())
        tab = await new_tab()
        await channels.show(tab, WATCH, WANTS)
        assert channels.recording(WATCH) is not None
        await channels.show(tab, None, frozenset())
        return channels.recording(WATCH)

    assert asyncio.run(look()) is None
