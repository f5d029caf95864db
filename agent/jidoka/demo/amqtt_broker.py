"""amqtt as a program of its own, for machines without mosquitto: `python -m jidoka.demo.amqtt_broker PORT`."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from amqtt.broker import Broker
from jidoka_bridge.notify import die_with_parent


async def serve(port: int) -> None:
    """Serve anonymous clients on loopback until SIGTERM."""
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await broker.start()
    await stopped.wait()
    await broker.shutdown()


if __name__ == "__main__":
    die_with_parent()
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(serve(int(sys.argv[1])))
