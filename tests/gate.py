"""A way to a server on this machine that can be shut: then nobody answers at its port.

Or it holds a request back, whose sender waits for an answer that never comes.
"""

import re
import socket
import threading
from contextlib import suppress


class Gate:
    """Hands what comes to its own port on to another one, until it is shut.

    What `holds` is found in gets no further; `has_held` tells that this has come to pass.
    """

    def __init__(self, target: int, *, holds: bytes | None = None) -> None:
        self._target, self._open = target, list[socket.socket]()
        self._holds, self.has_held = holds, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._take, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def reopen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        threading.Thread(target=self._take, args=(self._listener,), daemon=True).start()

    def _take(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                inner, _ = listener.accept()
                outer = socket.create_connection(("127.0.0.1", self._target))
                self._open += [inner, outer]
                for way in ((inner, outer, self._holds), (outer, inner, None)):
                    threading.Thread(target=self._pump, args=way, daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket, holds: bytes | None) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                if holds is not None and re.search(holds, data):
                    self.has_held.set()
                    return
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
