"""How those who wait are told what is being done."""

from collections.abc import Callable

Say = Callable[[str], object]
