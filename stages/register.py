"""DVC stage `register`: mirror the training and register the model."""

from keystage.pipeline.register import RegisterParams, register
from keystage.pipeline.run import run_stage

if __name__ == "__main__":
    run_stage(register, RegisterParams)
