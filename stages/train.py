"""DVC stage `train`: search for the best model within the budget."""

from keystage.pipeline.run import run_forking_stage
from keystage.pipeline.train import TrainParams, train

if __name__ == "__main__":
    run_forking_stage(train, TrainParams)
