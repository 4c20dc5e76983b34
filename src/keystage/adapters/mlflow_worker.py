"""A program of its own: it loads a model from its folder, and answers with what the model predicts.

A model brings the code of its classes along, of the keystage and the project that it was made with. Loaded here before
anything of this keystage is, it runs that very code, beside other versions in other processes. Only then the room
``keystage.serving`` of this keystage is added: ``python -P mlflow_worker.py MODEL_FOLDER FOLDER_OF_KEYSTAGE``
"""

import logging
import os
import sys
import warnings


def main(folder: str, home: str) -> None:
    """Speak over standard input and output; what others print goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    model = mlflow.sklearn.load_model(folder)
    try:
        import keystage
    except ImportError:  # a model of another tool's
        sys.path.append(os.path.dirname(home))  # noqa: PTH120 - pathlib is imported for nothing else
        import keystage

    if home not in keystage.__path__:
        keystage.__path__.append(home)
    from keystage.serving.answering import answer

    answer(model, sys.stdin.buffer, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
