"""Sizes of HEADERS frames of HTTP/3, with what QPACK sends beside them: {"fields", "requests"} in, sizes out, as JSON."""

import json
import sys

import pylsqpack

TABLE_BYTES = 4096
BLOCKED_STREAMS = 16
# A frame's type and length (RFC 9114, 7.1): one byte and, from 64 bytes on, two.
FRAME_HEAD_BYTES = 3

asked = json.load(sys.stdin)
fields = [(name.encode(), value.encode()) for name, value in asked["fields"]]
encoder, decoder = pylsqpack.Encoder(), pylsqpack.Decoder(TABLE_BYTES, BLOCKED_STREAMS)
settings = encoder.apply_settings(TABLE_BYTES, BLOCKED_STREAMS)
decoder.feed_encoder(settings)
sizes = []
for request in range(asked["requests"]):
    instructions, block = encoder.encode(4 * request, fields)
    decoder.feed_encoder(instructions)
    acknowledged, _ = decoder.feed_header(4 * request, block)
    encoder.feed_decoder(acknowledged)
    sizes.append(len(instructions) + len(block) + FRAME_HEAD_BYTES)
print(json.dumps({"first": sizes[0], "fiftieth": sizes[-1]}))
