"""What may stand between the fields of a line."""

SEPARATORS = {",": ",", ";": ";", "\t": "tab", "|": "|"}  # the common ones, as ``dataset.read.separator`` takes them


def likely_separator(line: str, other_than: str = "") -> str:
    """The one that stands in a line most often; of equally frequent ones the first; empty where there is none."""
    counts = {mark: line.count(mark) for mark in SEPARATORS if mark != other_than}
    likely = max(counts, key=lambda mark: counts[mark])
    return likely if counts[likely] else ""
