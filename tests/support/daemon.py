# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon in the foreground with a folder of its own. It ends with this process, whatever ends that."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support import need_programs, need_root
from tests.support.processes import find_children

START_SECONDS = 60.0


class Daemon(ABC):
    """`program` runs from start() to stop(), in the `with` from the beginning, its files in `folder`."""

    program = ""

    def __enter__(self) -> Self:
        need_root()
        need_programs(self.program, "setpriv", "unshare")
        # Who talks to it may be another user than pytest.
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.program}-"))
        self.folder.chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None
        self.prepare()
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @abstractmethod
    def prepare(self) -> None:
        """Write the configuration."""

    @abstractmethod
    def arguments(self) -> list[str]:
        """Return the program's arguments."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers; OSError is no."""

    def start(self) -> None:
        # The namespace ends all processes that it has made, whatever they think of it.
        argv = ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child=KILL"]
        with open(self.folder / "output", "ab") as output:
            self._process = subprocess.Popen(
                [*argv, self.program, *self.arguments()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.program} did not start: {self.said()}")
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process:
            # Who has made the namespace ends after its first process, and that after all others.
            for pid in find_children(self._process.pid) or [self._process.pid]:
                os.kill(pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def said(self) -> str:
        """Return what it has put out."""
        return (self.folder / "output").read_text(errors="replace")

    def _answers(self) -> bool:
        try:
            return self.is_ready()
        except OSError:
            return False
