"""A sender that trusts paho's own queue: queues messages without a broker, waits to be killed, begins anew and sends what it still has.

python tools/bench/_outbox_paho.py PORT MESSAGES    queue so many (0: only send what is left), print "queued", go on for ever
"""

from __future__ import annotations

import sys
import time

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    port, messages = int(sys.argv[1]), int(sys.argv[2])
    client = paho.Client(CallbackAPIVersion.VERSION2, "paho-alone", clean_session=False)
    client.max_queued_messages_set(0)  # no limit
    client.reconnect_delay_set(1, 1)
    client.connect_async("127.0.0.1", port)
    client.loop_start()
    for number in range(messages):
        client.publish("paho/queue", str(number).encode(), 1)
    print("queued", flush=True)
    while True:
        time.sleep(1.0)


if __name__ == "__main__":
    main()
