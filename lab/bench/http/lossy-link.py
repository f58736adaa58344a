"""A link that is late and loses packets, for one network namespace: lossy-link.py DELAY_MS LOSS SEED.

Where the kernel has netem, `tc qdisc add dev lo root netem delay 25ms loss 2%` does the same; many containers don't have
it. Here a TUN device does: what is sent to 10.9.0.2 comes back, DELAY_MS later or never, as if it came from there to
10.9.0.1. Swapping the two addresses leaves every checksum right. TCP and QUIC meet the same link, each way.
Prints "up" when packets flow; runs until it is killed. Needs the rights of root in its namespace (unshare -n).
"""

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x0001 | 0x1000
LINK = "lossy0"


def open_link():
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", LINK.encode(), IFF_TUN_NO_PI))
    for command in ("link set lo up", f"addr add 10.9.0.1/24 dev {LINK}", f"link set {LINK} up mtu 1500"):
        subprocess.check_call(["ip", *command.split()])
    return tun


def carry(tun, delay_seconds, loss, chance):
    waiting = []
    count = 0
    while True:
        patience = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select([tun], [], [], patience)
        if readable:
            packet = bytearray(os.read(tun, 65536))
            if packet[0] >> 4 == 4 and chance.random() >= loss:
                packet[12:16], packet[16:20] = packet[16:20], packet[12:16]
                count += 1
                heapq.heappush(waiting, (time.monotonic() + delay_seconds, count, bytes(packet)))
        while waiting and waiting[0][0] <= time.monotonic():
            os.write(tun, heapq.heappop(waiting)[2])


if __name__ == "__main__":
    opened = open_link()
    print("up", flush=True)
    carry(opened, float(sys.argv[1]) / 1000, float(sys.argv[2]), random.Random(int(sys.argv[3])))
