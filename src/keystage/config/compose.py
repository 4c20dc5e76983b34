"""Compose conf/ with overrides, in Hydra's grammar, to the text of params.yaml; and tell whether it still is that.

``dvc repro`` never composes, so an edit of conf/ would be run with the parameters of yesterday. params.yaml therefore
records the overrides it was composed with, and ``require_in_sync`` composes them again and compares.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from keystage.config.memo import remembered
from keystage.config.schema import Conf
from keystage.core.errors import ConfigError, StaleParamsError, causes, hint
from keystage.core.params import PARAMS_FILE, as_text, first_line, flatten, load_params

CONF_DIR = Path("conf")
MAX_DIFFERENCES = 3  # shown in one message


def compose(root: Path, overrides: Sequence[str] = ()) -> str:
    """The text of params.yaml for conf/ and these overrides, the very text that DVC writes.

    Raises:
        ConfigError: conf/ or an override is wrong.
    """
    return remembered(root, overrides, lambda: _composed(root, overrides))


def _composed(root: Path, overrides: Sequence[str]) -> str:
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    import hydra_plugins.keystage_conf  # noqa: F401  # registers schema and resolver

    conf = (root / CONF_DIR).resolve()
    if not (conf / "config.yaml").is_file():
        raise ConfigError(f"{CONF_DIR}/config.yaml is missing", why=f"{root} has no conf/", fix="git restore conf")
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(conf), version_base=None):
            composed = hydra_compose("config", overrides=list(overrides))
        OmegaConf.resolve(composed)
        text = OmegaConf.to_yaml(composed)
        # Merged anew because '+key=value' adds to a composed config what its schema does not know; to_object runs the
        # checks of the specs.
        OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Conf), OmegaConf.create(text)))
    except (HydraException, OmegaConfBaseException, YAMLError, ValueError) as error:
        raise _worded(error, conf, overrides) from error
    except (AssertionError, AttributeError) as error:  # OmegaConf 2.3 opens no group that is null
        closed = next(filter(None, map(_optional_group, overrides)), None)
        if closed is None:
            raise
        raise ConfigError(
            f"conf/ cannot be composed with {shlex.join(overrides)}",
            why=f"{closed} is a group of settings that is null, and an override makes none",
            fix=f"declare {closed} in the dataset's file in conf/, or in a file of conf/experiment/",
        ) from error
    return text


def write_params(root: Path, overrides: Sequence[str] = ()) -> bool:
    """Compose and write params.yaml. Returns whether it changed."""
    text = compose(root, overrides)
    path = root / PARAMS_FILE
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True


def require_in_sync(root: Path) -> None:
    """Refuse a params.yaml that conf/ no longer gives, or that was edited by hand.

    Raises:
        StaleParamsError: with the parameters that differ, and the command that composes them anew.
        ConfigError: params.yaml cannot be read, or conf/ cannot be composed.
    """
    from omegaconf import OmegaConf

    overrides = load_params(Conf, root / PARAMS_FILE).overrides
    text = compose(root, overrides)
    if text == (root / PARAMS_FILE).read_text(encoding="utf-8"):
        return
    written = OmegaConf.to_container(OmegaConf.load(root / PARAMS_FILE))
    assert isinstance(written, dict)
    expected = OmegaConf.to_container(OmegaConf.create(text))
    assert isinstance(expected, dict)
    old, new = flatten(written), flatten(expected)
    names = [name for name in {**new, **old} if as_text(old.get(name, _ABSENT)) != as_text(new.get(name, _ABSENT))]
    if not names:
        return
    parts = [
        f"{name} is {old.get(name, _ABSENT)} in params.yaml, conf/ gives {new.get(name, _ABSENT)}"
        for name in names[:MAX_DIFFERENCES]
    ]
    more = f" (and {len(names) - MAX_DIFFERENCES} more)" if len(names) > MAX_DIFFERENCES else ""
    again = shlex.join(overrides)
    raise StaleParamsError(
        "params.yaml is not what conf/ gives" + (f" with {again}" if again else ""),
        why="; ".join(parts) + more,
        fix=f"keystage compose {again}".strip()
        + ", then dvc repro (a setting is changed in conf/, not in params.yaml)",
    )


def _optional_group(override: str) -> str | None:
    """The group of settings, null by default, that an override reaches into."""
    section: Any = Conf
    names = override.lstrip("+~").partition("=")[0].split(".")
    for place, part in enumerate(names, start=1):
        found = get_type_hints(section).get(part) if is_dataclass(section) else None
        groups = [kind for kind in get_args(found) if is_dataclass(kind)]
        if groups and get_origin(found) in {Union, UnionType}:
            return ".".join(names[:place])
        section = found
    return None


class _Absent:
    """Prints as what a missing parameter is called; unequal to every value."""

    def __str__(self) -> str:
        return "absent"


_ABSENT = _Absent()


def _worded(error: Exception, conf: Path, overrides: Sequence[str]) -> ConfigError:
    """Hydra's and OmegaConf's errors in our words: theirs speak of internals, and hide the cause in a chain."""
    from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException
    from yaml import YAMLError

    # OmegaConf's own message is the one that names key and type; '$VALUE' marks its unfinished templates.
    ours = (OmegaConfBaseException, YAMLError)
    naming = [item for item in causes(error) if isinstance(item, ours) and "$VALUE" not in str(item)]
    telling = naming[0] if naming else error
    key = str(getattr(telling, "full_key", None) or "")
    # YAML's errors name file and line on their second line.
    text = " ".join(str(telling).split()) if isinstance(telling, YAMLError) else first_line(telling)
    given = shlex.join(overrides)
    needed = (
        f"give it a value: keystage run {given} {key}=VALUE" if isinstance(telling, MissingMandatoryValue) else None
    )
    return ConfigError(
        "conf/ cannot be composed" + (f" with {given}" if given else ""),
        why=text if not key or key in text else f"{key}: {text}",
        fix=needed
        or _option_hint(first_line(error), conf)
        or (_key_hint(key, getattr(telling, "object_type", None)) if " not in " in text else None)
        or "correct the override, or the file in conf/",
    )


def _option_hint(text: str, conf: Path) -> str | None:
    """For an unknown option of a group: the nearest one there is."""
    found = re.search(r"[Cc]ould not find '([\w/]+)/([\w-]+)'", text)
    if not found:
        return None
    group, name = found.groups()
    known = sorted(path.stem for path in (conf / group).glob("*.yaml"))
    return f"{hint(name, known)} (the options of {group} are the files in conf/{group}/)"


def _given(kind: Any) -> Any:
    """Of a type that may be null, what it is else."""
    others = [item for item in get_args(kind) if item is not NoneType]
    return others[0] if isinstance(kind, UnionType) and len(others) == 1 else kind


def _key_hint(key: str, item: Any) -> str | None:
    """For an unknown key: the nearest one of its section, or of the list's item that it stands in."""
    *sections, name = key.split(".")
    section: Any = Conf
    for part in sections:
        section = _given(get_type_hints(section).get(part)) if is_dataclass(section) else None
    if not sections and is_dataclass(item):
        section = item
    if get_origin(section) is dict:
        return f"a key that no file gives is given with a plus: +{key}=VALUE"
    if not is_dataclass(section) or not isinstance(section, type):
        return None
    known = [item.name for item in fields(section)]
    if name in known:  # of a group that is null
        return f"a key that no file gives is given with a plus: +{key}=VALUE"
    return hint(name, known) if name else None
