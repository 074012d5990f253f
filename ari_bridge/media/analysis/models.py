"""Where the model of the human voice comes from: a file that is named, or the package silero-vad.

That package is its makers' own and carries the model as an ONNX file beside code that needs torch. Only the
file is read, nothing of it is imported: `pip install --no-deps silero-vad` is all that is needed.
"""

from __future__ import annotations

import logging
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from ari_bridge.core.errors import SettingsError
from ari_bridge.media.analysis.silero import Silero, read_silero
from ari_bridge.settings import MediaSettings

log = logging.getLogger(__name__)

_PACKAGE = "silero-vad"
_FILE = "silero_vad/data/silero_vad.onnx"


def packaged_model() -> Path | None:
    """The model file of the package, where that is installed."""
    try:
        file = Path(str(distribution(_PACKAGE).locate_file(_FILE)))
    except PackageNotFoundError:
        return None
    return file if file.is_file() else None


def choose_model(settings: MediaSettings) -> Path | None:
    """The model file that the settings ask for, read once to know that it can be; None for none.

    Raises SettingsError.
    """
    if settings.voice_activity == "energy":
        return None
    file = settings.voice_model_file or packaged_model()
    if file is not None:
        load_models(file)
    elif settings.voice_activity == "silero":
        raise SettingsError(
            "media.voice_activity: there is no Silero VAD; pip install --no-deps silero-vad, "
            "or set media.voice_model_file"
        )
    else:
        log.info("voice is told by its level; with `pip install --no-deps silero-vad` by a model too")
    return file


def load_models(file: Path) -> dict[int, Silero]:
    """The models in a silero_vad.onnx by their sample rates in Hz. Raises SettingsError."""
    try:
        return read_silero(file.read_bytes())
    except OSError as error:
        raise SettingsError(f"media.voice_model_file: cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"media.voice_model_file: {file}: {error}") from None
