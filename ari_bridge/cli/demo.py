"""`ari-bridge demo`: a real call through a real Asterisk, with nothing prepared, and the evidence of it."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

from ari_bridge.cli import files as starter
from ari_bridge.cli import latency, summary
from ari_bridge.cli.child import running_service
from ari_bridge.cli.command import Command
from ari_bridge.cli.dialogue import DialogueView
from ari_bridge.cli.terminal import Colour, Progress
from ari_bridge.core.errors import SandboxError
from ari_bridge.dialogue.live import LiveEvent, LiveKind
from ari_bridge.sandbox.caller import CallerResult, place_call
from ari_bridge.sandbox.evidence import Evidence, gather, read_record
from ari_bridge.sandbox.lab import Lab, open_lab
from ari_bridge.sandbox.picture import draw
from ari_bridge.sandbox.player import CallerEvent, CallerEventKind
from ari_bridge.sandbox.scenario import Scenario
from ari_bridge.scenario import loading
from ari_bridge.scenario.expectations import findings
from ari_bridge.scenario.format import ScenarioFile
from ari_bridge.scenario.played import Played
from ari_bridge.store.record import CallRecord

DEMO = Path(loading.__file__).parent / "demo.yaml"

CALL_TIMEOUT_S = 100.0
RECORD_LOOKS = 100
TERMINATED = 143
"""What a shell expects of a program that SIGTERM ended."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dir", type=Path, default=Path("build/demo"), help="where the evidence goes (default: %(default)s)"
    )
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="another caller than the demo's own")
    parser.add_argument(
        "--stay",
        action="store_true",
        help="place no call; keep the PBX up for your own softphone until Ctrl-C",
    )


def _run(arguments: argparse.Namespace) -> int:
    try:
        demo = _Demo(arguments.dir)
        if arguments.stay:
            return asyncio.run(demo.stay())
        return asyncio.run(demo.call(loading.load(arguments.scenario or DEMO)))
    except asyncio.CancelledError:
        return TERMINATED


@dataclass(frozen=True, slots=True)
class _Files:
    """What a demo leaves in its directory."""

    directory: Path

    @property
    def lab(self) -> Path:
        return self.directory / "lab"

    @property
    def service(self) -> Path:
        return self.directory / "service"

    @property
    def log(self) -> Path:
        return self.directory / "service.log"

    def record(self, call_id: str) -> Path:
        return self.service / "records" / f"{call_id}.json"

    def call(self, kind: str) -> Path:
        return self.directory / f"call.{kind}"


class _Demo:
    def __init__(self, directory: Path) -> None:
        self._files = _Files(directory)
        self._progress = Progress(sys.stdout)
        self._view = DialogueView(sys.stdout)
        self._call_id = ""
        self._began_s = 0.0

    async def call(self, file: ScenarioFile) -> int:
        """Place the scenario's call, leave its evidence, say how it went. Raises SandboxError."""
        if file.pipeline_only:
            raise SandboxError(f"{file.pipeline_only}: works in virtual time only (ari-bridge scenario run)")
        self._prepare()
        async with open_lab(self._files.lab, progress=self._progress) as lab, self._service(lab):
            self._progress(f"calling {file.did} over the carrier's SIP trunk")
            self._progress.end()
            result = await self._place(lab, file.scenario())
            record = await self._record()
        evidence = self._leave(record, result)
        played = Played(evidence, result.recording, result.events, ())
        problems = [f"{f.expectation}: {f.problem}" for f in findings(file, played) if f.problem]
        if problems:
            raise SandboxError(f"the call was not as it must be: {'; '.join(problems)}")
        return 0

    async def stay(self) -> int:
        """Keep PBX and service up until Ctrl-C."""
        self._prepare()
        async with open_lab(self._files.lab, progress=self._progress) as lab, self._service(lab):
            self._progress.end()
            print(_softphone(lab), flush=True)
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return 0

    # -------------------------------------------------------------- before

    def _prepare(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        try:
            self._files.service.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SandboxError(f"cannot write to {self._files.directory}: {error.strerror}") from None

    def _service(self, lab: Lab) -> AbstractAsyncContextManager[None]:
        """The very files that `ari-bridge init` writes, for the lab's PBX."""
        contents = starter.service_files(lab.pbx.http_url, lab.pbx.ari_password)
        starter.write_all(self._files.service, contents, overwrite=True)
        self._progress("starting ari-bridge run")
        return running_service(self._files.service / starter.SETTINGS, self._files.log, self._observe)

    # -------------------------------------------------------------- during

    async def _place(self, lab: Lab, script: Scenario) -> CallerResult:
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                return await place_call(lab, script, self._notice, progress=self._progress)
        except TimeoutError:
            raise SandboxError(f"the call was not over after {CALL_TIMEOUT_S:.0f} s") from None

    def _notice(self, event: CallerEvent) -> None:
        """What the caller's side sees and the agent, being gone, does not."""
        if event.kind is CallerEventKind.HUMAN_ANSWERED:
            self._view.line(event.at_s - self._began_s, "phone", "a second extension answers", Colour.MAGENTA)
        elif event.kind is CallerEventKind.HUNG_UP:
            self._view.line(event.at_s - self._began_s, "phone", f"the {event.text} hangs up", Colour.DIM)

    def _observe(self, event: LiveEvent) -> None:
        if event.kind is LiveKind.CALL_STARTED:
            self._call_id, self._began_s = event.call_id, event.at_s
        self._view(event)

    async def _record(self) -> CallRecord:
        """The service writes it once it has let go of the call."""
        if not self._call_id:
            raise SandboxError(f"the call did not reach the agent (log: {self._files.log})")
        path = self._files.record(self._call_id)
        for _ in range(RECORD_LOOKS):
            if path.exists():
                return read_record(path)
            await asyncio.sleep(0.05)
        raise SandboxError(f"the call left no record (log: {self._files.log})")

    # -------------------------------------------------------------- after

    def _leave(self, record: CallRecord, result: CallerResult) -> Evidence:
        recording = result.recording
        evidence = gather(
            record,
            recording,
            caller=[(event.at_s, event.kind.value, event.text) for event in result.events],
            hangup_cause=result.hangup_cause,
            human_answered=result.first(CallerEventKind.HUMAN_ANSWERED) is not None,
            problem=result.problem,
        )
        left = [self._files.call(kind) for kind in ("wav", "json", "svg", "waterfall.svg")]
        try:
            recording.write_wav(left[0])
            evidence.write(left[1])
            picture = draw(evidence, recording.caller, recording.agent, recording.rate_hz)
            left[2].write_text(picture, encoding="utf-8")
            left[3].write_text(latency.picture_of(left[1]), encoding="utf-8")
        except OSError as error:
            raise SandboxError(f"cannot write to {self._files.directory}: {error.strerror}") from None
        print(f"\n{summary.table(evidence, left)}", flush=True)
        return evidence


def _softphone(lab: Lab) -> str:
    return f"""
The PBX is up. Register a softphone (UDP):

  server    127.0.0.1:{lab.pbx.sip_port}
  user      {lab.softphone_user}
  password  {lab.softphone_password}

and dial 5000 for the agent, 4000 for an echo of your own voice. Ctrl-C ends it.
"""


COMMAND = Command(
    name="demo",
    summary="place a real call through a private Asterisk, and leave its evidence",
    arguments=_arguments,
    run=_run,
    epilog="Needs no Asterisk and no root: where none is installed, Debian's packages are fetched once\n"
    "into a cache (ARI_BRIDGE_CACHE). Only loopback is used for the call itself.",
)
