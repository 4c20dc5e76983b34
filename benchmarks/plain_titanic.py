"""What the pipeline does, as one plain script: the yardstick for the pipeline's overhead.

It prepares the same files alike, lets FLAML search with as many trials and folds as conf/automl/quick.yaml has, from
usual settings of its learners, and registers one model that takes raw rows, the vote of the five best trials. It
keeps nothing for the next run and checks nothing. It reads data/titanic in the working directory and writes there only.
"""

import json
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from flaml.automl import AutoML
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import check_scoring, roc_auc_score
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OrdinalEncoder
from skops.io import dumps, get_untrusted_types

FILES = [Path("data/titanic/Titanic.csv"), Path("data/titanic/Titanic2.csv")]
LABEL, DROP = "Survived", ["PassengerId", "Name", "Ticket", "Cabin"]
SEED, TEST_SIZE, TRIALS, FOLDS, MEMBERS = 11, 0.2, 40, 5, 5
SCORES = ["roc_auc", "average_precision", "neg_log_loss", "accuracy", "balanced_accuracy", "f1"]

BOOSTING = {"n_estimators": 100, "learning_rate": 0.05, "colsample_bytree": 0.9, "reg_alpha": 0.001, "reg_lambda": 1.0}
XGBOOST = BOOSTING | {"min_child_weight": 2.0, "subsample": 0.9, "colsample_bylevel": 1.0}
LEARNERS: dict[str, dict[str, Any] | None] = {  # in FLAML's order of trials, each with the point it starts from
    "lgbm": BOOSTING | {"num_leaves": 15, "min_child_samples": 20, "log_max_bin": 8},
    "rf": {"n_estimators": 100, "max_features": 0.4, "max_leaves": 48, "criterion": "gini"},
    "xgboost": XGBOOST | {"max_leaves": 15},
    "extra_tree": {"n_estimators": 100, "max_features": 0.6, "max_leaves": 64, "criterion": "gini"},
    "xgb_limitdepth": XGBOOST | {"max_depth": 4},
    "lrl1": None,
}


class FillDraws(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Fill missing numbers by draws from those present."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> "FillDraws":  # noqa: ARG002 - scikit-learn's signature
        """Remember the numbers present, by column."""
        self.feature_names_in_, self.n_features_in_ = X.columns.to_numpy(dtype=object), X.shape[1]
        self.present_ = {name: X[name].dropna().to_numpy() for name in X}
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Fill a copy of ``X``."""
        draws, filled = np.random.default_rng(SEED), X.copy()
        for name, present in self.present_.items():
            missing = X[name].isna()
            filled.loc[missing, name] = draws.choice(present, missing.sum())
        return filled


def preparation() -> ColumnTransformer:
    """Age and fare in five groups, words as codes; pandas in, pandas out."""
    groups = KBinsDiscretizer(5, encode="ordinal", quantile_method="averaged_inverted_cdf", subsample=None)
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    age = make_pipeline(FillDraws(), groups)
    fare = make_pipeline(SimpleImputer(strategy="constant", fill_value=0), clone(groups))
    steps = [("age", age, ["Age"]), ("fare", fare, ["Fare"]), ("codes", codes, ["Sex", "Embarked"])]
    columns = ColumnTransformer(steps, remainder="passthrough", verbose_feature_names_out=False)
    return columns.set_output(transform="pandas")


def search(X: pd.DataFrame, y: pd.Series) -> tuple[pd.DataFrame, VotingClassifier, float]:
    """Search. Returns the trials, best first, the unfitted vote of the best of them, and the seconds it took."""
    fits: list[tuple[float, Any, dict[str, Any]]] = []  # one per fold, the folds of a trial after each other

    def loss(X_val: Any, y_val: Any, estimator: Any, *given: Any) -> tuple[float, dict[str, float]]:
        score = roc_auc_score(y_val, estimator.predict_proba(X_val)[:, 1])
        fits.append((score, estimator, given[5]))
        return 1 - score, {}

    begun = time.perf_counter()
    AutoML().fit(
        X, y, task="classification", metric=loss, eval_method="cv", n_splits=FOLDS,
        split_type=StratifiedKFold(FOLDS, shuffle=True, random_state=SEED),
        time_budget=-1, max_iter=TRIALS, estimator_list=list(LEARNERS), learner_selector="roundrobin",
        starting_points={name: point for name, point in LEARNERS.items() if point},
        seed=SEED, n_jobs=1, retrain_full=False, auto_augment=False, skip_transform=True, mlflow_logging=False,
        verbose=0,
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    trials = [fits[start : start + FOLDS] for start in range(0, len(fits), FOLDS)]
    rows = [(type(trial[0][1]).__name__, str(trial[0][2]), [fit[0] for fit in trial]) for trial in trials]
    board = pd.DataFrame(rows, columns=["estimator", "hyperparameters", "fold_scores"])
    board["score"] = board["fold_scores"].map(np.mean)
    board = board.sort_values("score", ascending=False)
    best = [(f"trial_{index}", trials[index][0][1]) for index in board.index[:MEMBERS]]
    vote = VotingClassifier([(name, item.estimator_class(**item.params)) for name, item in best], voting="soft")
    return board, vote, seconds


def main() -> None:
    """From the files to a registered model."""
    warnings.simplefilter("ignore")  # FLAML's and its learners' advice
    table = pd.concat([pd.read_csv(path) for path in FILES], ignore_index=True).drop(columns=DROP)
    train, test = train_test_split(table, test_size=TEST_SIZE, stratify=table[LABEL], random_state=SEED)
    X, X_test = train.drop(columns=LABEL), test.drop(columns=LABEL)
    prepare = preparation().fit(X)
    board, vote, seconds = search(prepare.transform(X), train[LABEL])
    pipeline = Pipeline([("prepare", prepare), ("model", vote.fit(prepare.transform(X), train[LABEL]))])
    test_scores = check_scoring(pipeline, scoring=SCORES)(pipeline, X_test, test[LABEL])

    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    mlflow.set_experiment("plain")
    with mlflow.start_run():
        mlflow.log_params({"seed": SEED, "test_size": TEST_SIZE, "trials": TRIALS, "folds": FOLDS, "members": MEMBERS})
        mlflow.log_metrics({f"test.{name}": value for name, value in test_scores.items()})
        for step, value in board["score"].sort_index().items():
            mlflow.log_metric("trial.roc_auc", value, step=step)
        mlflow.log_table(board, "leaderboard.json")
        needed = ["lightgbm", "mlflow", "numpy", "pandas", "scikit-learn", "scipy", "skops", "xgboost-cpu"]
        mlflow.sklearn.log_model(
            pipeline,
            name="model",
            registered_model_name="PlainTitanic",
            input_example=X_test.head(20),
            pip_requirements=[f"{name}=={version(name)}" for name in needed],  # guessing them takes MLflow long
            code_paths=[__file__],
            serialization_format="skops",
            skops_trusted_types=get_untrusted_types(data=dumps(pipeline)),
        )
    print(json.dumps({"search_seconds": seconds, "test_roc_auc": test_scores["roc_auc"]}))


if __name__ == "__main__":
    # The registered pipeline finds its class FillDraws in this module, not in the __main__ of whoever loads it.
    from plain_titanic import main as imported_main

    imported_main()
