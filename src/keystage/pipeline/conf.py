"""Stage ``conf``: always runs, first. ``run_stage`` has compared params.yaml with conf/ when this is reached.

Every other stage follows from the file it writes, so a stale params.yaml stops ``dvc repro`` even when all else would
be reused. The file never changes, so it re-runs nothing.
"""

from dataclasses import dataclass

from keystage.pipeline import workspace


@dataclass
class ConfParams:
    """Reads no section: the whole of params.yaml was compared."""


def conf(params: ConfParams) -> None:  # noqa: ARG001 - a stage takes its parameters
    """Leave the mark that dataprep depends on."""
    workspace.CONF_CHECKED.parent.mkdir(parents=True, exist_ok=True)
    workspace.CONF_CHECKED.write_text("params.yaml is what conf/ gives\n", encoding="utf-8")
