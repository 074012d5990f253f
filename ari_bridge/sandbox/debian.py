"""Debian packages unpacked into a folder of our own, without root and without touching the machine's.

apt works as ever (signatures checked, dependencies resolved, resumed downloads) but on a private state:
its own sources, lists, cache and an empty dpkg status, so that it downloads every dependency and
installs nothing. The .deb files are then unpacked, not configured. What lies in the folder runs through the
folder's own dynamic loader and C library, whatever the machine's are.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ari_bridge.core.errors import SandboxError

Progress: TypeAlias = Callable[[str], None]
"""Gets one line of text; each replaces the one before."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

_UNWANTED = ("doc", "man", "info", "locale", "lintian", "perl", "zoneinfo")
_UNWANTED_PROGRAMS = ("flite_cmu*",)  # each holds a whole voice; flite itself has them too


@dataclass(frozen=True, slots=True)
class Suite:
    """One Debian suite and what is taken from it."""

    name: str
    asterisk: str
    """The series of Asterisk it carries, for messages."""
    packages: tuple[str, ...]


SID = Suite("sid", "Asterisk 22", ("asterisk", "sip-tester", "flite"))
BULLSEYE = Suite("bullseye", "Asterisk 16", ("asterisk", "asterisk-opus", "asterisk-voicemail"))

_DEBIAN_SUITES = frozenset(
    ("bullseye", "bookworm", "trixie", "forky", "sid", "oldstable", "stable", "testing", "unstable")
)


@dataclass(frozen=True, slots=True)
class Architecture:
    """Where a Debian of one machine type keeps its loader and libraries."""

    triplet: str
    loader: str


_ARCHITECTURES = {
    "x86_64": Architecture("x86_64-linux-gnu", "lib64/ld-linux-x86-64.so.2"),
    "aarch64": Architecture("aarch64-linux-gnu", "lib/ld-linux-aarch64.so.1"),
}


def architecture() -> Architecture:
    """This machine's. Raises SandboxError where Debian's packages are of no use."""
    found = _ARCHITECTURES.get(platform.machine())
    if found is None or platform.system() != "Linux":
        raise SandboxError(
            f"no Debian packages of Asterisk for {platform.system()} on {platform.machine()}: "
            "install Asterisk 18 or later, so that `asterisk` is on PATH"
        )
    return found


@dataclass(frozen=True, slots=True)
class Tree:
    """An unpacked set of packages."""

    root: Path

    def command(self, program: str) -> list[str]:
        """How to start `program` (a path below the root, such as usr/sbin/asterisk)."""
        triplet = architecture().triplet
        libraries = (self.root / "lib" / triplet, self.root / "usr/lib" / triplet, self.root / "usr/lib")
        return [
            str(self._loader),
            "--library-path",
            ":".join(map(str, libraries)),
            str(self.root / program),
        ]

    @property
    def asterisk_modules(self) -> Path:
        """Asterisk's loadable modules; older packages keep them beside the libraries of no architecture."""
        places = (self.root / "usr/lib" / architecture().triplet, self.root / "usr/lib")
        folders = [place / "asterisk/modules" for place in places]
        return next((folder for folder in folders if folder.is_dir()), folders[0])

    @property
    def _loader(self) -> Path:
        """Older libc packages link it by an absolute path, which would lead out of the tree."""
        loader = self.root / architecture().loader
        if loader.is_symlink() and (target := loader.readlink()).is_absolute():
            return self.root / target.relative_to("/")
        return loader


def fetch(suite: Suite, target: Path, progress: Progress) -> Tree:
    """Download and unpack `suite`'s packages into the new folder `target`.

    `target` appears whole or not at all; work goes on in a folder beside it. Raises SandboxError.
    """
    architecture()
    for program in ("apt-get", "dpkg-deb", "tar"):
        if shutil.which(program) is None:
            raise SandboxError(
                f"getting {suite.asterisk} needs {program}, which is not here (not a Debian?): "
                "install Asterisk 18 or later, so that `asterisk` is on PATH"
            )
    work = target.with_name(target.name + ".part")
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        apt = _Apt(work / "apt", suite, progress)
        apt.run("update", "reading the package lists")
        apt.run("install", "downloading", "--yes", "--download-only", *suite.packages)
        _unpack(sorted(apt.archives.glob("*.deb")), work / "root", suite, progress)
        shutil.rmtree(work / "apt")
        os.replace(work, target)
    except OSError as error:
        raise SandboxError(f"cannot unpack {suite.asterisk} into {target}: {error.strerror}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Tree(target / "root")


def mirror() -> str:
    """The Debian mirror of this machine's own apt sources, or what ARI_BRIDGE_DEBIAN_MIRROR says."""
    chosen = os.environ.get("ARI_BRIDGE_DEBIAN_MIRROR", "")
    if chosen:
        return chosen
    listing = subprocess.run(
        ["apt-get", "indextargets", "--no-release-info", "--format", "$(SITE) $(RELEASE)"],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in listing.stdout.splitlines():
        site, _, release = line.rpartition(" ")
        if release in _DEBIAN_SUITES:
            return site
    raise SandboxError(
        "no Debian mirror among this machine's apt sources: name one in ARI_BRIDGE_DEBIAN_MIRROR, "
        "or install Asterisk 18 or later, so that `asterisk` is on PATH"
    )


class _Apt:
    """apt on a private state below `directory`."""

    def __init__(self, directory: Path, suite: Suite, progress: Progress) -> None:
        self._suite = suite
        self._progress = progress
        self._mirror = mirror()
        self.archives = directory / "cache/archives"
        if not KEYRING.exists():
            raise SandboxError(
                f"{KEYRING} is missing, so Debian's signatures cannot be checked: "
                "install debian-archive-keyring, or Asterisk 18 or later"
            )
        for folder in (
            "etc/apt.conf.d",
            "etc/preferences.d",
            "state/lists/partial",
            "cache/archives/partial",
        ):
            (directory / folder).mkdir(parents=True)
        (directory / "status").touch()
        # A mirror may lag behind sid's ten days of validity. The signature itself is checked.
        (directory / "etc/sources.list").write_text(
            f"deb [signed-by={KEYRING} check-valid-until=no] {self._mirror} {suite.name} main\n"
        )
        self._config = directory / "apt.conf"
        self._config.write_text(
            f'Dir::State "{directory}/state";\n'
            f'Dir::State::status "{directory}/status";\n'
            f'Dir::Cache "{directory}/cache";\n'
            f'Dir::Etc "{directory}/etc";\n'
            'Dir::Etc::netrc "/etc/apt/auth.conf";\n'
            'Dir::Etc::netrcparts "/etc/apt/auth.conf.d";\n'
            'APT::Install-Recommends "false";\n'
            'APT::Sandbox::User "root";\n'  # a user of apt's own could not enter our folder
            'Acquire::Languages "none";\n'
            'Acquire::Retries "2";\n'
            'Acquire::http::Timeout "20";\n' + _transport_options()
        )

    def run(self, verb: str, doing: str, *arguments: str) -> None:
        """One apt-get, its percentages shown. Raises SandboxError with apt's own first complaint."""
        read_end, write_end = os.pipe()
        options = ["-o", f"APT::Status-Fd={write_end}", "-o", "APT::Update::Error-Mode=any"]
        with os.fdopen(read_end, encoding="utf-8", errors="replace") as status:
            try:
                process = subprocess.Popen(
                    ["apt-get", *options, verb, *arguments],
                    env={**os.environ, "APT_CONFIG": str(self._config), "LC_ALL": "C"},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                    pass_fds=[write_end],
                )
            finally:
                os.close(write_end)
            with process, ThreadPoolExecutor(1) as pool:
                assert process.stderr is not None
                complaints = pool.submit(process.stderr.read)
                for percent in _percentages(status):
                    self._progress(f"{self._suite.asterisk}: {doing} {bar(percent)}")
                errors = [line for line in complaints.result().splitlines() if line.startswith("E: ")]
        if process.returncode != 0:
            reason = errors[0].removeprefix("E: ") if errors else f"apt-get ended with {process.returncode}"
            raise SandboxError(
                f"cannot get {self._suite.asterisk} from {self._mirror}: {reason} "
                "(is the network there? another mirror can be named in ARI_BRIDGE_DEBIAN_MIRROR)"
            )


def _percentages(status: Iterator[str]) -> Iterator[float]:
    """Lines of apt's status-fd, `dlstatus:<number>:<percent>:<text>` (apt's README.progress-reporting)."""
    for line in status:
        fields = line.split(":")
        if fields[0] == "dlstatus" and re.fullmatch(r"[0-9.]+", fields[2]):
            yield float(fields[2])


def _transport_options() -> str:
    """The machine's own ways to the mirror (proxies, certificates), without its other settings: a
    container's clean-up hooks have no business in our cache."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    wanted = re.compile(r"Acquire::(https?|ForceIPv[46])(::| )")
    lines = [line for line in dump.stdout.splitlines() if wanted.match(line)]
    return "".join(line + "\n" for line in lines)


def _unpack(archives: list[Path], root: Path, suite: Suite, progress: Progress) -> None:
    (root / "usr").mkdir(parents=True)
    # Merged /usr: packages bring files both as lib/… and as usr/lib/….
    for folder in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / folder).mkdir()
        (root / folder).symlink_to(f"usr/{folder}")
    skip = [f"--exclude=./usr/share/{name}/*" for name in _UNWANTED]
    skip += [f"--exclude=./usr/bin/{name}" for name in _UNWANTED_PROGRAMS]
    extract = ["tar", "-x", "-C", str(root), "--keep-directory-symlink", "--no-same-owner", *skip]
    for done, archive in enumerate(archives):
        with subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as opened:
            result = subprocess.run(
                extract, stdin=opened.stdout, stderr=subprocess.PIPE, text=True, check=False
            )
        if result.returncode or opened.returncode:
            reason = (result.stderr.strip().splitlines() or ["a broken archive"])[0]
            raise SandboxError(f"cannot unpack {archive.name} into {root}: {reason}")
        progress(f"{suite.asterisk}: unpacking {bar(100 * (done + 1) / len(archives))}")
    _drop_setuid(root)


def _drop_setuid(root: Path) -> None:
    """A cache must not hold programs that run as root for whoever starts them (passwd, chsh)."""
    for folder, _, files in os.walk(root):
        for path in (Path(folder) / name for name in files):
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
                path.chmod(stat.S_IMODE(mode) & ~(stat.S_ISUID | stat.S_ISGID))


def bar(percent: float, width: int = 24) -> str:
    """`[########                ]  33 %`"""
    full = round(width * min(percent, 100) / 100)
    return f"[{'#' * full:<{width}}] {percent:3.0f} %"
