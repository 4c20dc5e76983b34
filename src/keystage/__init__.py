"""keystage: from a table to a registered model, each stage reused exactly when nothing that matters has changed.

Data moves one way: ``conf/`` is composed into ``params.yaml``, DVC runs the stages in ``dvc.yaml``, and MLflow
mirrors what they wrote. Importing this package imports nothing heavy.
"""
