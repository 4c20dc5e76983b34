"""DVC's settings, read without opening the repository, which takes longer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keystage.core.errors import ProjectError


def settings(root: Path) -> Mapping[str, Mapping[str, Any]]:
    """The settings by section, from all the files that DVC reads.

    Raises:
        ProjectError: one of them cannot be read.
    """
    from dvc.config import Config, ConfigError

    try:
        return dict(Config(str(root / ".dvc")))
    except ConfigError as error:
        raise ProjectError(
            "DVC's settings cannot be read", why=" ".join(str(error).split()), fix="git restore .dvc/config"
        ) from error


def cache_folder(root: Path) -> Path:
    """Where the project's cache is."""
    return root / (settings(root)["cache"].get("dir") or root / ".dvc" / "cache")
