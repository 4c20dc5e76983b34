"""DVC stage `evaluate`: score the model on the test rows."""

from keystage.pipeline.evaluate import EvaluateParams, evaluate
from keystage.pipeline.run import run_stage

if __name__ == "__main__":
    run_stage(evaluate, EvaluateParams)
