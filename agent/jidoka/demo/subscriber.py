"""A plain MQTT subscriber, as anybody's would be: what it receives is what the demonstration says was received."""

from __future__ import annotations

import json
from collections import Counter, deque
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

TREE = "aims/v1/#"


class Subscriber:
    """Subscribes to the whole tree by MQTT 3.1.1. Callbacks only append; `take` is called by the one loop."""

    def __init__(self, host: str, port: int) -> None:
        self.topics: Counter[str] = Counter()
        self._received: deque[tuple[str, bytes]] = deque()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="jidoka-demo-aims", protocol=mqtt.MQTTv311
        )
        self._client.on_connect = self._subscribe
        self._client.on_message = self._append
        self._client.reconnect_delay_set(1, 2)
        self._client.connect_async(host, port, keepalive=30)
        self._client.loop_start()

    def take(self) -> list[tuple[str, dict[str, Any]]]:
        """(topic below the device, event) of everything since the last call; what isn't JSON has an empty event."""
        taken = []
        while self._received:
            topic, payload = self._received.popleft()
            below = topic.split("/", 5)[-1]
            self.topics[below] += 1
            try:
                event = json.loads(payload)
            except ValueError:
                event = {}
            taken.append((below, event if isinstance(event, dict) else {}))
        return taken

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe(TREE, qos=1)

    def _append(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        self._received.append((message.topic, bytes(message.payload)))
