"""GETs over HTTP/3 by aioquic (PyPI): http3.py URL CA COUNT AT_ONCE prints a line of JSON for each answer, then one of totals.

It is here because Node has no client for HTTP/3. The certificate is checked against CA alone.
"""

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration

ANSWER_WITHIN_SECONDS = 60


class Client(QuicConnectionProtocol):
    """One connection; each request waits for the end of its answer."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic)
        self.waiting = {}

    async def get(self, authority, path):
        stream = self._quic.get_next_available_stream_id()
        answer = {"headers": {}, "body": b"", "end": asyncio.get_running_loop().create_future()}
        self.waiting[stream] = answer
        fields = {":method": "GET", ":scheme": "https", ":authority": authority, ":path": path, "user-agent": "svyaz-observe"}
        self.http.send_headers(stream, [(name.encode(), value.encode()) for name, value in fields.items()], end_stream=True)
        self.transmit()
        started = time.perf_counter()
        await asyncio.wait_for(answer["end"], ANSWER_WITHIN_SECONDS)
        del self.waiting[stream]
        return {
            "version": self._quic.tls.alpn_negotiated,
            "status": int(answer["headers"].get(":status", 0)),
            "headers": answer["headers"],
            "body": answer["body"].decode(),
            "ms": (time.perf_counter() - started) * 1000,
        }

    def quic_event_received(self, event):
        for part in self.http.handle_event(event):
            answer = self.waiting.get(getattr(part, "stream_id", None))
            if answer is None:
                continue
            if isinstance(part, HeadersReceived):
                answer["headers"].update({name.decode(): value.decode() for name, value in part.headers})
            elif isinstance(part, DataReceived):
                answer["body"] += part.data
            if getattr(part, "stream_ended", False) and not answer["end"].done():
                answer["end"].set_result(None)


async def main(url, ca, count, at_once):
    place = urlsplit(url)
    path = place.path + ("?" + place.query if place.query else "")
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name=place.hostname)
    configuration.load_verify_locations(ca)
    began = time.perf_counter()
    async with connect(place.hostname, place.port, configuration=configuration, create_protocol=Client) as client:
        connected = time.perf_counter()
        room = asyncio.Semaphore(at_once)

        async def one():
            async with room:
                return await client.get(place.netloc, path)

        answers = await asyncio.gather(*[one() for _ in range(count)])
        ended = time.perf_counter()
    for answer in answers:
        print(json.dumps(answer))
    print(json.dumps({"connectMs": (connected - began) * 1000, "allMs": (ended - connected) * 1000}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
