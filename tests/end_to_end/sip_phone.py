"""A SIP telephone as small as can be, for what the sandbox's carrier does not do: hold and attended transfer.

It calls, holds (RFC 3264 section 8.4), transfers one of its calls to the other (REFER with Replaces, RFC 5589
section 7), and hangs up. No media: its RTP port is never read.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

ANSWER_WITHIN_S = 10.0


class Phone(asyncio.DatagramProtocol):
    def __init__(self, pbx_port: int) -> None:
        self._pbx_port = pbx_port
        self._answers: dict[str, asyncio.Queue[str]] = {}
        """Final answers, by branch."""
        self.notified: list[str] = []
        """Bodies of NOTIFY: how a transfer goes."""

    def connection_made(self, transport: Any) -> None:  # a DatagramTransport, but not by its class
        self._transport: asyncio.DatagramTransport = transport
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        message = data.decode()
        if message.startswith("SIP/2.0"):
            branch, status = _found(r"branch=([^;\s]+)", message), int(message[8:11])
            if status >= 200 and branch in self._answers:
                self._answers[branch].put_nowait(message)
            return
        if message.startswith("NOTIFY"):
            self.notified.append(message.partition("\r\n\r\n")[2].strip())
        if not message.startswith("ACK"):
            kept = re.findall(r"^(?:Via|From|To|Call-ID|CSeq): .*$", message, re.M | re.I)
            self.send("\r\n".join(["SIP/2.0 200 OK", *(line.strip() for line in kept), "Content-Length: 0"]))

    def send(self, head: str, body: str = "") -> None:
        self._transport.sendto(f"{head}\r\n\r\n{body}".encode(), ("127.0.0.1", self._pbx_port))

    async def ask(self, head: str, branch: str, body: str = "") -> str:
        """Send a request, again every half second until it is answered. Returns the final answer."""
        queue = self._answers[branch] = asyncio.Queue()
        async with asyncio.timeout(ANSWER_WITHIN_S):
            while True:
                self.send(head, body)
                try:
                    async with asyncio.timeout(0.5 if not head.startswith("INVITE") else ANSWER_WITHIN_S):
                        return await queue.get()
                except TimeoutError:
                    continue

    async def call(self, number: str) -> PhoneCall:
        call = PhoneCall(self, f"sip:{number}@127.0.0.1:{self._pbx_port}")
        await call.invite("sendrecv")
        return call


class PhoneCall:
    def __init__(self, phone: Phone, target: str) -> None:
        self._phone = phone
        self._target = target
        self.call_id, self.tag, self.remote_tag = secrets.token_hex(8), secrets.token_hex(4), ""
        self._sequence = 0

    async def invite(self, direction: str) -> None:
        sdp = (
            f"v=0\r\no=- 1 {self._sequence + 1} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na={direction}\r\n"
        )
        answer = await self._request("INVITE", "Content-Type: application/sdp", sdp)
        assert answer.startswith("SIP/2.0 200"), answer
        self.remote_tag = _found(r"^To:.*;tag=([^;\s]+)", answer)
        self._phone.send(self._head("ACK", self._sequence, secrets.token_hex(6)))

    async def hold(self) -> None:
        await self.invite("sendonly")

    async def unhold(self) -> None:
        await self.invite("sendrecv")

    async def transfer_to(self, other: PhoneCall) -> None:
        """This call's other end is to talk with `other`'s."""
        replaces = quote(f"{other.call_id};to-tag={other.remote_tag};from-tag={other.tag}", safe="")
        answer = await self._request("REFER", f"Refer-To: <{other._target}?Replaces={replaces}>")
        assert answer.startswith("SIP/2.0 202"), answer

    async def hang_up(self) -> None:
        await self._request("BYE")

    async def _request(self, method: str, header: str = "", body: str = "") -> str:
        self._sequence += 1
        branch = f"z9hG4bK{secrets.token_hex(6)}"
        return await self._phone.ask(
            self._head(method, self._sequence, branch, header, len(body)), branch, body
        )

    def _head(self, method: str, sequence: int, branch: str, header: str = "", length: int = 0) -> str:
        tag = f";tag={self.remote_tag}" if self.remote_tag else ""
        lines = [
            f"{method} {self._target} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self._phone.port};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: <sip:phone@127.0.0.1:{self._phone.port}>;tag={self.tag}",
            f"To: <{self._target}>{tag}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {sequence} {method}",
            f"Contact: <sip:phone@127.0.0.1:{self._phone.port}>",
            header,
            f"Content-Length: {length}",
        ]
        return "\r\n".join(filter(None, lines))


def _found(pattern: str, message: str) -> str:
    match = re.search(pattern, message, re.M | re.I)
    assert match is not None, message
    return match[1]


@asynccontextmanager
async def telephone(pbx_port: int) -> AsyncIterator[Phone]:
    loop = asyncio.get_running_loop()
    transport, phone = await loop.create_datagram_endpoint(
        lambda: Phone(pbx_port), local_addr=("127.0.0.1", 0)
    )
    try:
        yield phone
    finally:
        transport.close()
        await asyncio.sleep(0)
