"""Distances between two samples, each as its source defines it. None of them knows of columns or tables."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

BINS = 10  # of the population stability index, equally many rows of the baseline in each
FLOOR = 1e-4  # the share that an empty bin counts as: the index has a logarithm in it
CHANCE = 0.99  # of the draws in which nothing has changed, the share that stays below what counts as chance


@dataclass(frozen=True)
class NumberDrift:
    """How far two samples of numbers are apart.

    Attributes:
        wasserstein: the least average way that mass must be moved, in standard deviations of the baseline; None where
            the baseline does not vary and the samples differ.
        ks: the largest gap between the two distribution functions, 0 to 1.
        ks_p: the probability of such a gap or a larger one when both samples are from one distribution.
    """

    wasserstein: float | None
    ks: float
    ks_p: float


def number_drift(baseline: "np.ndarray", target: "np.ndarray") -> NumberDrift:
    """Compare n and m finite numbers.

    Wasserstein-1 distance (Ramdas, Garcia Trillos, Cuturi 2017, "On Wasserstein two-sample testing", Entropy 19(2)),
    divided by the baseline's standard deviation (with n - 1), so that it has no unit; two-sample Kolmogorov-Smirnov
    (Hodges 1958, "The significance probability of the Smirnov two-sample test", Arkiv för Matematik 3) with the
    asymptotic probability.
    """
    from scipy.stats import ks_2samp, wasserstein_distance

    spread = float(baseline.std(ddof=1)) if len(baseline) > 1 else 0.0
    way = float(wasserstein_distance(baseline, target))
    tested = ks_2samp(baseline, target, method="asymp")
    return NumberDrift(way / spread if spread > 0 else (None if way > 0 else 0.0), tested.statistic, tested.pvalue)


def edges_of(baseline: "np.ndarray") -> "np.ndarray":
    """Inner edges of bins with equally many numbers of the baseline; fewer where values repeat. The ends are open."""
    import numpy as np

    inner = np.quantile(baseline, np.linspace(0, 1, BINS + 1)[1:-1])
    found: np.ndarray = np.unique(inner)
    return found


def counts_between(values: "np.ndarray", edges: "np.ndarray") -> "np.ndarray":
    """How many values lie in each bin: up to the first edge, up to the next, ..., above the last."""
    import numpy as np

    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)


def psi(baseline: "np.ndarray", target: "np.ndarray") -> float:
    """Population stability index of counts in the same k bins.

    sum (q - p) ln(q / p) over shares p of the baseline and q of the target: the symmetric divergence of Jeffreys, as
    credit scoring uses it (Siddiqi 2006, "Credit Risk Scorecards", Wiley: below 0.1 no change, 0.1 to 0.25 some, above
    it a large one). A share of 0 counts as ``FLOOR``.
    """
    import numpy as np

    p, q = (np.maximum(counts / max(counts.sum(), 1), FLOOR) for counts in (baseline, target))
    return float(((q - p) * np.log(q / p)).sum())


def psi_by_chance(baseline: int, target: int, bins: int) -> float:
    """What the index stays below in 99 of 100 draws of such sizes from one distribution.

    Without a change, PSI / (1/n + 1/m) is about chi-squared with k - 1 degrees of freedom (Yurdakul 2018, "Statistical
    properties of population stability index", Western Michigan University).
    """
    from scipy.stats import chi2

    if bins < 2 or not baseline or not target:
        return 0.0
    return float(chi2.ppf(CHANCE, bins - 1) * (1 / baseline + 1 / target))


def jensen_shannon(baseline: "np.ndarray", target: "np.ndarray") -> float:
    """Jensen-Shannon distance of counts in the same k bins, base 2: 0 for equal shares, 1 where none is in both.

    The root of the divergence (Lin 1991, "Divergence measures based on the Shannon entropy", IEEE Transactions on
    Information Theory 37), which is a metric (Endres, Schindelin 2003, same journal 49).
    """
    from scipy.spatial.distance import jensenshannon

    if not baseline.sum() or not target.sum():
        return 0.0
    found = float(jensenshannon(baseline / baseline.sum(), target / target.sum(), base=2))
    return found if found == found else 0.0  # rounding may leave a negative number below the root
