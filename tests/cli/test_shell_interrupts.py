"""Ctrl-C in the shell."""

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from types import SimpleNamespace

from bifrost.cli.output import Screen
from bifrost.cli.shell.shell import Shell
from bifrost.settings import PROJECT
from tests.cli.conftest import HEADER, STREAMS
from tests.fakes.http_server import Answer, FakeServer, running
from tests.waiting import eventually


class TestInterrupts:
    """Ctrl-C ends what runs and keeps the shell."""

    def shell(self, rows):
        client = SimpleNamespace(stream=lambda *_, **__: rows)
        return Shell(client, Screen())

    def test_during_a_push_query(self, capsys):
        class Rows:
            columns = ("A",)

            def __iter__(self):
                yield [1]
                raise KeyboardInterrupt

            def close(self):
                capsys.readouterr()
                print("query closed")

        self.shell(Rows()).run("SELECT A FROM S EMIT CHANGES;")

        assert capsys.readouterr().out == "query closed\n"

    def test_of_a_real_shell_on_a_terminal(self, project):
        """A push query without rows blocks in a read: the signal must end the query, not the shell."""
        release = threading.Event()

        def respond(request):
            if request.path == "/query-stream":
                release.wait(20)
                return Answer(200, chunks=(HEADER,))
            if request.path == "/info":
                return Answer(200, {"KsqlServerInfo": {"version": "7.6.0"}})
            return Answer(200, STREAMS)

        with running(FakeServer(respond)) as fake, Terminal(fake.url, project.root) as terminal:
            terminal.expect("ksql>")
            terminal.type("SELECT * FROM A EMIT CHANGES;\r")
            eventually(lambda: any(request.path == "/query-stream" for request in fake.requests))
            terminal.type("\x03")
            terminal.expect("Query terminated")
            terminal.type("help exit\r")
            terminal.expect("End the shell")
            terminal.type("exit\r")
            release.set()
            assert terminal.ended() == 0


def _on_a_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # Tests that run in the background of a script inherit that it is ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """`ksql` on a pseudo terminal."""

    def __init__(self, url: str, home: Path) -> None:
        self._main, child = pty.openpty()
        environment = {**os.environ, "KSQLDB_URL": url, "BIFROST_HOME": str(home / "home"), "TERM": "xterm"}
        command = (sys.executable, "-m", "bifrost.cli", "ksql")
        self._process = subprocess.Popen(
            command, stdin=child, stdout=child, stderr=child, env=environment, cwd=PROJECT, start_new_session=True,
            preexec_fn=_on_a_terminal,
        )  # fmt: skip
        os.close(child)
        self._seen = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._main)

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def expect(self, text: str) -> None:
        """Reads until the text was shown."""
        deadline = time.monotonic() + 30
        while text not in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self._seen):
            ready, _, _ = select.select([self._main], [], [], 1)
            assert time.monotonic() < deadline, self._seen
            if ready:
                self._seen += os.read(self._main, 4096).decode("utf-8", "replace")
                if "\x1b[6n" in self._seen:
                    # The shell asks a terminal for the cursor's position.
                    self._seen = self._seen.replace("\x1b[6n", "")
                    self.type("\x1b[1;1R")
        self._seen = ""

    def ended(self) -> int:
        return self._process.wait(timeout=30)
