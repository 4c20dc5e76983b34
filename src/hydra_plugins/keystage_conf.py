"""Loaded by Hydra wherever conf/ is composed, in ``keystage compose`` and inside DVC alike.

It registers the schema, so that DVC's own composition refuses unknown keys, wrong types and bad choices, and the
resolver that records the overrides in params.yaml.
"""

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from keystage.config.schema import open_schema


def _record_overrides(separator: str, *, _root_: DictConfig) -> str:
    """Copy the overrides into the config that is being composed, and return ``separator``.

    ``hydra.compose`` takes the ``hydra`` section out of its result, and DVC keeps the result alone. The one moment when
    both are there is when Hydra has noted the overrides and reads ``hydra.job.config.override_dirname.kv_sep``
    (hydra-core 1.3.8, ``_internal/config_loader_impl.py``, ``_load_configuration_impl``); conf/config.yaml sets that
    value to this resolver. Should a later Hydra read it elsewhere, tests/pipeline/test_params_in_sync.py says so.
    """
    _root_.overrides = list(_root_.hydra.overrides.task)
    return separator


ConfigStore.instance().store(name="schema", node=open_schema())
OmegaConf.register_new_resolver("keystage.record_overrides", _record_overrides, replace=True)
