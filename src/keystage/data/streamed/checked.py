"""A block of rows as it goes on: with those that are selected and that the checks leave, and counted."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError
from keystage.data.checks import Check, hold_to_declaration
from keystage.data.roles import MARKED
from keystage.data.rows import selected_rows, selection_columns
from keystage.data.spec import DatasetSpec
from keystage.data.streamed.blocks import Block
from keystage.data.streamed.counted import Tally, tallied
from keystage.data.streamed.files import File
from keystage.data.streamed.parsed import Parser
from keystage.data.streamed.seen import Seen
from keystage.data.streamed.staged import Staging

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Checked:
    """A block of rows.

    Attributes:
        rows: how many there are in the file.
        left_out: how many of them each part of ``dataset.rows`` left out, by its name.
        frame: those that are selected, that the checks leave, and that have a label or need none, with the declared
            types.
        checks: what each declared column was held to, and what was found.
        tallies: by column, what was counted before rows without a label went.
    """

    rows: int
    left_out: dict[str, int]
    frame: "pd.DataFrame"
    checks: list[Check]
    tallies: dict[str, Tally]


@dataclass
class Work:
    """What is done with a block.

    Attributes:
        spec: the declaration.
        files: of the dataset.
        staging: where the rows go too.
        labelled: whether rows without a label are left out.
        uncounted: columns known to have too many values to count each.
    """

    spec: DatasetSpec
    files: list[File]
    staging: Staging | None
    labelled: bool = True
    uncounted: set[str] = field(default_factory=set)

    def parsed(self, parser: Parser, block: Block) -> "pd.DataFrame":
        """Its rows, with the columns of the first file in their order."""
        first, file = self.files[0], self.files[block.place]
        frame = parser.table(block.content, file)
        columns = [*first.wanted, *first.given]
        return frame if list(frame.columns) == columns else frame[columns]

    def held(self, frame: "pd.DataFrame", place: int, number: int, seen: Seen) -> Checked:
        """Select, check and count rows, and stage them.

        Args:
            frame: the rows as they are parsed.
            place: of their file.
            number: of the block.
            seen: cells of columns that are to be unique, of the blocks before.
        """
        rows = len(frame)
        frame, left_out = self._selected(frame)
        checks, dropped = hold_to_declaration(frame, self.spec, seen.repeats)
        frame = frame[~dropped] if dropped.any() else frame
        tallies = tallied(frame, self.uncounted)
        side, sides = self.files[place].source.side, {file.source.side for file in self.files}
        frame = frame.assign(**{mark: each is side for mark, each in MARKED.items() if each in sides})
        if self.labelled and (missing := frame[self.spec.label].isna()).any():
            frame = frame[~missing]
        if self.staging:
            self.staging.write(frame, number)
        return Checked(rows, left_out, frame, checks, tallies)

    def _selected(self, frame: "pd.DataFrame") -> "tuple[pd.DataFrame, dict[str, int]]":
        """Rows that ``dataset.rows`` takes, with the columns that are kept, and how many each part left out."""
        spec = self.spec
        if spec.rows is None:
            return frame, {}
        self._require_one_kind(frame)
        taken, left_out = selected_rows(frame, spec)
        kept = list(frame.columns) if spec.kept is None else [name for name in frame.columns if name in set(spec.kept)]
        return frame.loc[taken, kept], left_out

    def _require_one_kind(self, frame: "pd.DataFrame") -> None:
        """Refuse to select by booleans that nobody has declared: with gaps, they are texts in other blocks."""
        declared = {column.name for column in self.spec.columns}
        for name in selection_columns(self.spec):
            if name not in declared and frame[name].dtype == "bool":
                raise DatasetError(
                    f"dataset.rows names '{name}', a column of booleans that is not declared",
                    why="where cells are missing it holds texts, and blocks of rows without such would be asked of "
                    "others than those with",
                    fix=f"declare it in dataset.columns, like {{name: {name}, type: boolean}}",
                )
