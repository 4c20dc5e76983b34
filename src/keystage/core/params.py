"""From params.yaml to typed parameters, and which of them are part of a stage's key.

A stage names the parameters it reads by a dataclass with one field per section of params.yaml. A field marked
``outside_key`` is read by the stage but cannot change its result, so dvc.yaml does not list it.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from keystage.core.errors import ConfigError

PARAMS_FILE = Path("params.yaml")
_OUTSIDE_KEY = "outside_key"
_IN_KEY = "in_key"
_GROUP_OR_NULL = "group_or_null"
T = TypeVar("T")


def outside_key(reason: str, default: Any = MISSING) -> Any:
    """Mark a dataclass field as not part of the key; ``reason`` says why it cannot change the result."""
    return field(default=default, metadata={_OUTSIDE_KEY: reason})


def partly_in_key(*names: str) -> Any:
    """Mark a field whose section the stage reads only these parameters of, so only they are part of the key."""
    return field(metadata={_IN_KEY: names})


def group_or_null() -> Any:
    """Mark a field that holds a group of settings, null unless some are given: one parameter while it is null.

    Hydra's overrides cannot reach into a typed group that is null (OmegaConf 2.3, ``OmegaConf.update``), so conf/ is
    composed with such groups untyped, and they are held to their types afterwards.
    """
    return field(default=None, metadata={_GROUP_OR_NULL: True})


def is_group_or_null(item: "Field[Any]") -> bool:
    """Whether a field is so marked."""
    return _GROUP_OR_NULL in item.metadata


def key_parameters(section: type, prefix: str = "") -> list[str]:
    """Dotted names of all parameters below ``section`` that belong to the key, in the order of declaration."""
    hints = get_type_hints(section)
    names: list[str] = []
    for item in fields(section):
        if _OUTSIDE_KEY in item.metadata:
            continue
        name = prefix + item.name
        if _IN_KEY in item.metadata:
            names += [f"{name}.{part}" for part in item.metadata[_IN_KEY]]
        else:
            names += key_parameters(hints[item.name], name + ".") if is_dataclass(hints[item.name]) else [name]
    return names


def load_params(sections: type[T], path: Path = PARAMS_FILE) -> T:
    """Read the sections that ``sections`` declares from ``path`` and check them against their types.

    Raises:
        ConfigError: the file or a section is missing, or a value has the wrong type.
    """
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    mend = "write it anew from conf/: keystage compose"
    if not path.is_file():
        raise ConfigError(f"{path} is missing", why="a stage reads its parameters there", fix=mend)
    try:
        composed = OmegaConf.load(path)
        if not isinstance(composed, DictConfig):
            raise ConfigError(f"{path} is no mapping", why="it was edited by hand", fix=mend)
        return typed_params(sections, composed)
    except (OmegaConfBaseException, YAMLError) as error:
        raise ConfigError(f"{path} cannot be read", why=first_line(error), fix=mend) from error
    except ValueError as error:  # a spec refuses what its types allow; DVC composes without asking it
        raise ConfigError(
            f"{path} holds a setting that cannot be", why=first_line(error), fix="correct the override, or conf/"
        ) from error


def typed_params(sections: type[T], composed: Mapping[Any, Any]) -> T:
    """The sections that ``sections`` declares, out of composed settings. Raises OmegaConf's errors."""
    from omegaconf import OmegaConf

    known = {name: composed[name] for name in _names(sections) if name in composed}
    loaded = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(sections), known))
    assert isinstance(loaded, sections)
    return loaded


def read_yaml(path: Path) -> Any:
    """What a YAML file holds.

    Raises:
        ConfigError: it is not there, or is no YAML.
    """
    if not path.is_file():
        raise ConfigError(f"{path.name} is missing", why="git keeps it", fix=f"git restore {path.name}")
    return parse_yaml(path.read_bytes(), path.name)


def parse_yaml(text: str | bytes, shown: str) -> Any:
    """YAML by libyaml, where PyYAML has it: several times quicker on a dvc.lock.

    Args:
        text: the YAML.
        shown: the file it comes from, for the error.

    Raises:
        ConfigError: it is no YAML.
    """
    import yaml

    try:
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    except yaml.YAMLError as error:
        raise ConfigError(
            f"{shown} is no YAML",
            why=" ".join(str(error).split()),
            fix=f"correct it, or git restore {shown}, or remove it if git has none; after a merge, take either side: "
            "what is kept is found by key",
        ) from error


def flatten(values: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def as_text(value: Any) -> str:
    """A setting as JSON: 1, 1.0 and true are three values, though Python, and DVC with it, calls them equal."""
    return json.dumps(value, sort_keys=True, default=str)


def first_line(error: BaseException) -> str:
    """The first line of an error's text: what OmegaConf and Hydra put before their dumps of internals."""
    return str(error).strip().split("\n", maxsplit=1)[0]


def _names(sections: type) -> list[str]:
    every: tuple[Field[Any], ...] = fields(sections)
    return [item.name for item in every]
