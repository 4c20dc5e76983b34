"""Which tables of points are drawn as curves, and how each is to be read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Curve:
    """How a table of points is drawn.

    Attributes:
        file: name of the table.
        title: of the drawing.
        x: its column across.
        y: its column upwards.
        names: of the axes.
        reading: how to read it.
        even: what a model without skill gives, as two points; none where that is not a line.
        unit: whether the axis upwards is from 0 to 1; if not, it begins at 0.
    """

    file: str
    title: str
    x: str
    y: str
    names: tuple[str, str]
    reading: str
    even: tuple[tuple[float, float], tuple[float, float]] | None = None
    unit: bool = True


CURVES = (
    Curve(
        "roc",
        "ROC",
        "false_positive_rate",
        "true_positive_rate",
        ("false positive rate", "true positive rate"),
        "How many of the rows sought are found (upwards) for how many false alarms (across). Nearer to the upper left "
        "corner is better; the dashed line is guessing.",
        ((0, 0), (1, 1)),
    ),
    Curve(
        "precision_recall",
        "Precision and recall",
        "recall",
        "precision",
        ("recall", "precision"),
        "Of the rows named, how many are right (upwards), for how many of those sought are found (across).",
    ),
    Curve(
        "calibration",
        "Calibration",
        "predicted",
        "observed",
        ("predicted probability", "observed share"),
        "Whether a probability can be taken by its word: on the dashed line, 70% comes true 70 times out of 100.",
        ((0, 0), (1, 1)),
    ),
    Curve(
        "gains",
        "Cumulative gains",
        "share",
        "found",
        ("share of rows, most likely first", "share found"),
        "Taking the rows that the model finds most likely first, how many of those sought are among them.",
        ((0, 0), (1, 1)),
    ),
    Curve(
        "lift",
        "Lift",
        "share",
        "lift",
        ("share of rows, most likely first", "times better than guessing"),
        "How many times more of those sought are among the rows taken than among as many at random.",
        ((0, 1), (1, 1)),
        unit=False,
    ),
)
