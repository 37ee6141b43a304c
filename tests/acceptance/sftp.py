"""SFTP clients and a plain SFTP server, for tests."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh

LONGEST_SECONDS = 30


def wait_for_port(port: int, process: subprocess.Popen[bytes] | None = None) -> None:
    """Until somebody listens there."""
    until = time.monotonic() + LONGEST_SECONDS
    while True:
        assert process is None or process.poll() is None, "the server has ended"
        assert time.monotonic() < until
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)


@contextmanager
def sftp_client(
    port: int, user: str, password: str, process: subprocess.Popen[bytes] | None = None
) -> Iterator[Any]:
    """paramiko, logged in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ciphers that it knows and nobody uses
        import paramiko

    wait_for_port(port, process)
    transport = paramiko.Transport(("127.0.0.1", port))
    try:
        transport.connect(username=user, password=password)
        yield paramiko.SFTPClient.from_transport(transport)
    finally:
        transport.close()


@contextmanager
def plain_sftp(root: Path, user: str, password: str) -> Iterator[tuple[int, str]]:
    """Somebody else's SFTP server: a folder in which everything may be done; its port and its key."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    started, ports, connections = threading.Event(), [], set()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    class Door(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            connections.add(conn)

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, shown: str) -> bool:
            return (username, shown) == (user, password)

    async def listen() -> None:
        stopped = asyncio.Event()
        running.append((asyncio.get_running_loop(), stopped))
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Door,
            server_host_keys=[key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root).encode()),
        )
        ports.append(server.get_port())
        started.set()
        await stopped.wait()
        server.close()
        for connection in connections:
            connection.abort()
            await connection.wait_closed()

    thread = threading.Thread(target=lambda: asyncio.run(listen()), daemon=True)
    thread.start()
    assert started.wait(LONGEST_SECONDS)
    try:
        yield ports[0], key.export_public_key("openssh").decode().strip()
    finally:
        loop, stopped = running[0]
        loop.call_soon_threadsafe(stopped.set)
        thread.join(LONGEST_SECONDS)
