"""DVC stage `report`: a page and a model card from the results."""

from keystage.pipeline.report import ReportParams, report
from keystage.pipeline.run import run_stage

if __name__ == "__main__":
    run_stage(report, ReportParams)
