"""What comes from the monitor: verdicts go to the threads that wait for them, the rest to the tap's own thread.

Of the threads that wait, one reads the socket; it hands each verdict to the thread it belongs to, and when it leaves
another takes over. The tap's own thread reads only what nobody else does, so that a gated call wakes one thread.
A call that waits finds the caches cold: here, too, few frames and few objects count.
"""

import collections
import contextlib
import select
import socket
import struct
import threading
import time
from typing import Any, Deque, Dict, List, Optional, Tuple

from jidoka_tap import wire
from jidoka_tap.link import RECEIVE_BYTES, Message, close_all, receive

#: a whole VERDICT: magic, version and kind as one, then the body
_VERDICT = struct.Struct("<6s%dx" % (wire.HEADER.size - 6) + wire.VERDICT_BODY.format.lstrip("<"))
_IS_VERDICT = wire.MAGIC + bytes((wire.VERSION, wire.VERDICT))
_MS_NS = 1_000_000  # poll knows whole milliseconds; what is left is waited for in steps
_STEP_S = 0.0001

#: prefix, record number, part, reason bits, verdict, worst verdict of the part
Answer = Tuple[bytes, int, int, int, int, int]


#: of one call that waits: empty, then its answer, or None if there will be none, for the connection ended
Waiter = List[Optional[Answer]]


class Answers:
    """The receiving side of one tap.

    waiting: by record number, entered under the tap's lock before the record is sent; rest: messages for the tap's
    own thread. Whoever reads the socket holds `_reading`, a re-entrant lock for the reason that `Tap.record` gives;
    the others sleep, each on a lock of its own, until there is something for them to do.
    """

    def __init__(self) -> None:
        self.waiting: Dict[int, Waiter] = {}
        self.rest: Deque[Message] = collections.deque()
        self._sleepers: Dict[int, Any] = {}  # locks by record number
        self._reading = threading.RLock()
        self._is_read = False
        self._sock: Optional[socket.socket] = None
        self._poll = select.poll()
        self._room = bytearray(RECEIVE_BYTES)

    # ------------------------------------------------------------ for the threads that wait

    def wait(self, number: int, waiter: Waiter, deadline_ns: int) -> Optional[Answer]:  # noqa: C901, PLR0912 - one frame
        """The verdict of this record, None if there is none by the deadline (CLOCK_MONOTONIC) or ever."""
        try:
            while not waiter:
                left_ns = deadline_ns - time.monotonic_ns()
                if left_ns <= 0:
                    return None
                is_reader = False
                try:
                    is_reader = self._reading.acquire(False)
                    if is_reader:
                        self._is_read = True
                        sock, room = self._sock, self._room
                        while not waiter and sock is not None and left_ns > 0:
                            if left_ns < _MS_NS:
                                if not self._poll.poll(0):
                                    time.sleep(_STEP_S)
                                    break
                            elif not self._poll.poll(left_ns // _MS_NS):
                                break
                            # descriptors come with the first message of a connection, which the tap's thread reads
                            size = sock.recv_into(room, 0, socket.MSG_DONTWAIT)
                            if size == _VERDICT.size and room.startswith(_IS_VERDICT):
                                answer: Answer = _VERDICT.unpack_from(room)
                                if answer[1] == number:
                                    return answer
                                self._hand_over(answer)
                            elif size:
                                self.rest.append(Message(bytes(room[:size]), []))
                            else:
                                sock = None
                            left_ns = deadline_ns - time.monotonic_ns()
                        if sock is None:  # the end of the stream; the tap's thread finds it too
                            self.end()
                except BlockingIOError:
                    pass
                except OSError:
                    self.end()
                finally:
                    if is_reader:
                        self._is_read = False
                    try:  # noqa: SIM105 - suppress() is two calls more
                        self._reading.release()
                    except RuntimeError:  # it isn't ours
                        pass
                if not is_reader and not waiter:
                    self._sleep(number, left_ns)
            return waiter[0]
        finally:
            self.waiting.pop(number, None)
            if self.waiting:
                self._sleepers.pop(number, None)
                self._pass_on()
            elif self._sleepers:
                self._sleepers.pop(number, None)

    def _hand_over(self, answer: Answer) -> None:
        """To the call that it is for; one that came too late has none any more."""
        waiter = self.waiting.get(answer[1])
        if waiter is not None:
            waiter.append(answer)
            self._wake(answer[1])

    def _sleep(self, number: int, left_ns: int) -> None:
        """Sleep while another thread reads, until it has the verdict, or leaves, or the time is over."""
        lock = self._sleepers.get(number)
        if lock is None:  # seen by the others from now on: what came before is looked for once more
            lock = self._sleepers[number] = threading.Lock()
            lock.acquire()
        else:
            lock.acquire(timeout=left_ns / 1e9)

    def _wake(self, number: int) -> None:
        lock = self._sleepers.get(number)
        if lock is not None:
            with contextlib.suppress(RuntimeError):  # it was woken already
                lock.release()

    def _pass_on(self) -> None:
        """If nobody reads, wake one that may."""
        if not self._is_read:
            for number, waiter in list(self.waiting.items()):
                if not waiter:
                    self._wake(number)
                    return

    # ------------------------------------------------------------ for the tap's own thread

    def begin(self, sock: socket.socket) -> None:
        """From now on this socket is read."""
        with self._reading:
            self._sock = sock
            self._poll = select.poll()
            self._poll.register(sock, select.POLLIN)

    def read(self, most: int) -> List[Message]:
        """What has come but for verdicts, at most so many at once. Raises OSError at the end of the stream.

        Nothing is read while another thread reads: what isn't a verdict comes with the next call.
        """
        if self._sock is not None and self._reading.acquire(False):
            try:
                for _ in range(most):
                    message = receive(self._sock)
                    if message is None:
                        break
                    self._hand_on(message)
            except OSError:
                if not self.rest:  # else what came before the end counts first
                    raise
            finally:
                self._reading.release()
                if self.waiting:
                    self._pass_on()
        messages = []
        while self.rest:
            messages.append(self.rest.popleft())
        return messages

    def _hand_on(self, message: Message) -> None:
        if len(message.datagram) == _VERDICT.size and message.datagram.startswith(_IS_VERDICT):
            self._hand_over(_VERDICT.unpack(message.datagram))
        else:
            self.rest.append(message)

    def end(self) -> None:
        """No verdict will come any more for those that wait now."""
        for number, waiter in list(self.waiting.items()):
            waiter.append(None)
            self._wake(number)

    def leave(self) -> None:
        """When this returns no thread reads the socket any more."""
        self.end()
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)  # whoever waits for it wakes up
        with self._reading:
            self._sock = None
        while self.rest:
            close_all(self.rest.popleft().descriptors)
