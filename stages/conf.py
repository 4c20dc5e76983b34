"""DVC stage `conf`: compare params.yaml with conf/ and stop the pipeline when they differ."""

from keystage.pipeline.conf import ConfParams, conf
from keystage.pipeline.run import run_stage

if __name__ == "__main__":
    run_stage(conf, ConfParams)
