"""DVC stage `dataprep`: read, check, split and prepare the table."""

from keystage.pipeline.dataprep import DataprepParams, dataprep
from keystage.pipeline.run import run_stage

if __name__ == "__main__":
    run_stage(dataprep, DataprepParams)
