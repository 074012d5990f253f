"""Where the sandbox's programs come from: the machine, else Debian packages in a cached folder.

A system Asterisk is used when it is 18 or later and has the modules the sandbox needs. Everything else is
taken from the cache, `$ARI_BRIDGE_CACHE`, else `.cache/ari_bridge` of a checkout, else
`~/.cache/ari_bridge`, which is filled at the first need.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ari_bridge.core.errors import SandboxError
from ari_bridge.sandbox import debian
from ari_bridge.sandbox.debian import Progress

OLDEST_ASTERISK = 18
NEEDED_MODULES = (
    "res_ari_channels",
    "res_ari_bridges",
    "chan_pjsip",
    "chan_rtp",
    "app_stasis",
    "res_pjsip_session",
)

_SYSTEM_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
_MODULE_DIRECTORIES = (
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
)


@dataclass(frozen=True, slots=True)
class AsteriskProgram:
    """How to start an Asterisk, and where its unchanging files lie."""

    command: tuple[str, ...]
    modules: Path
    data: Path
    """XML documentation and ARI's api-docs (rest-api), that is `astdatadir`."""

    def has_module(self, name: str) -> bool:
        return (self.modules / f"{name}.so").exists()


def find_asterisk(progress: Progress) -> AsteriskProgram:
    """The machine's Asterisk, else Debian's from the cache (blocks meanwhile). Raises SandboxError."""
    return _system_asterisk() or debian_asterisk(debian.SID, progress)


def debian_asterisk(suite: debian.Suite, progress: Progress) -> AsteriskProgram:
    """The Asterisk of one Debian suite, from the cache (blocks meanwhile). Raises SandboxError."""
    tree = cached_tree(suite, progress)
    return AsteriskProgram(
        command=tuple(tree.command("usr/sbin/asterisk")),
        modules=tree.asterisk_modules,
        data=tree.root / "usr/share/asterisk",
    )


def find_tool(name: str, progress: Progress) -> list[str]:
    """How to start `sipp` or `flite`: the machine's, else Debian's from the cache. Raises SandboxError."""
    system = shutil.which(name)
    return [system] if system else cached_tree(debian.SID, progress).command(f"usr/bin/{name}")


def find_data(path: str, progress: Progress) -> Path:
    """A file or folder of a Debian package, such as usr/share/sip-tester. Raises SandboxError."""
    system = Path("/") / path
    return system if system.exists() else cached_tree(debian.SID, progress).root / path


def cached_tree(suite: debian.Suite, progress: Progress) -> debian.Tree:
    """`suite`'s tree, fetched at the first call ever while other processes wait. Raises SandboxError."""
    wanted = zlib.crc32(" ".join(suite.packages).encode())  # another list is another tree
    target = cache_directory() / f"debian-{suite.name}-{debian.architecture().triplet}-{wanted:08x}"
    if target.exists():
        return debian.Tree(target / "root")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _lock(target.with_name(target.name + ".lock")):
            if target.exists():
                return debian.Tree(target / "root")
            return debian.fetch(suite, target, progress)
    except OSError as error:
        raise SandboxError(
            f"cannot use the cache {target.parent}: {error.strerror} (see ARI_BRIDGE_CACHE)"
        ) from None


def cache_directory() -> Path:
    chosen = os.environ.get("ARI_BRIDGE_CACHE", "")
    if chosen:
        return Path(chosen).expanduser().resolve()
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").exists() and os.access(checkout, os.W_OK):
        return checkout / ".cache/ari_bridge"
    return Path.home() / ".cache/ari_bridge"


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _system_asterisk() -> AsteriskProgram | None:
    """The Asterisk on PATH if it will do."""
    program = shutil.which("asterisk", path=_SYSTEM_PATH)
    if program is None:
        return None
    answer = subprocess.run([program, "-V"], capture_output=True, text=True, check=False)
    version = re.match(r"Asterisk (?:certified[-/])?(\d+)", answer.stdout)
    if version is None or int(version[1]) < OLDEST_ASTERISK:
        return None
    for library in _MODULE_DIRECTORIES:
        modules = Path(library) / "asterisk/modules"
        found = AsteriskProgram((program,), modules, _system_data())
        if all(found.has_module(name) for name in NEEDED_MODULES):
            return found
    return None


def _system_data() -> Path:
    """The folder that has ARI's api-docs: Debian keeps them in /usr/share, a source build in /var/lib."""
    candidates = (Path("/usr/share/asterisk"), Path("/var/lib/asterisk"))
    return next((path for path in candidates if (path / "rest-api").is_dir()), candidates[-1])
