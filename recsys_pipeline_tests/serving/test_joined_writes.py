"""Writes of one turn of the loop go out together, in order, and before the connection closes."""

import asyncio

from recsys_pipeline.serving.joined_writes import JoinedWrites


class Transport:
    def __init__(self):
        self.did = []

    def write(self, data):
        self.did.append(data)

    def close(self):
        self.did.append("closed")

    def is_closing(self):
        return "closed" in self.did

    def get_extra_info(self, name):
        return f"the {name}"


def did(turns):
    async def use():
        transport = Transport()
        joined = JoinedWrites(transport, asyncio.get_running_loop())
        for turn in turns:
            for each in turn:
                joined.write(each) if isinstance(each, bytes) else joined.close()
            await asyncio.sleep(0)
        assert joined.get_extra_info("peername") == "the peername"
        return transport.did

    return asyncio.run(use())


def test_one_turn_is_one_write():
    assert did([[b"head", b"body"], [b"more"], [], [b"last", b""]]) == [
        b"headbody",
        b"more",
        b"last",
    ]


def test_closing_sends_first_and_nothing_after():
    assert did([[b"head", b"body", "close", b"late"]]) == [b"headbody", "closed"]
