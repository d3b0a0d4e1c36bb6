"""A fast origin on loopback: pages of 10 KB on 32 hosts, each the same on every start.

python bench/origin.py PORT
"""

import asyncio
import sys

HOSTS = 32
LINK = '<p><a href="/p/{n}">A thing of number {n}, with a line of text about it</a></p>\n'
BODY = "".join(LINK.format(n=n) for n in range(118))
HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Page {path}</title>'
    '<meta name="description" content="What page {path} is about">'
    '<link rel="canonical" href="{path}"><meta property="og:title" content="Page {path}">'
    '<script type="application/ld+json">{{"@type": "Product", "sku": "{path}"}}</script>'
    "</head><body><h1>Page {path}</h1>\n"
)


class Origin(asyncio.Protocol):
    """Answers every request of a connection at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a conversation."""
        self.transport = transport
        self.pending = b""

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self.pending += data
        while (end := self.pending.find(b"\r\n\r\n")) >= 0:
            path = self.pending.split(b" ", 2)[1].decode("ascii", "replace")
            self.pending = self.pending[end + 4 :]
            self.transport.write(answer(path))


def answer(path: str) -> bytes:
    """One page, or a robots.txt that allows all."""
    if path == "/robots.txt":
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    body = (HEAD.format(path=path) + BODY + "</body></html>").encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def main(port: int) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Origin, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
