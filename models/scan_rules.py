"""What a scan of a pool looks at, and how much it believes to be gone: settings of the pool.

What is not looked at keeps its state in the catalogue: no rule makes a file go missing.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class ScanRules(BaseModel):
    """Rules, stored with a pool as the wire spells them; what is not said is the default.

    Patterns are those of `.gitignore`, matched against the path below the root. A file is looked at when `include`
    matches, or is empty, and `exclude` does not.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = True
    """Whether files are looked at whose name, or that of a folder above, begins with a dot."""
    min_age_seconds: int = 0
    """A file that was changed within so many seconds may still be written: it is left for the next scan."""
    max_size: int | None = None
    """Larger files are not looked at, in bytes."""
    missing_percent: int = 20
    missing_files: int = 50
    """A scan that finds more than both gone believes that it is the folder that is wrong, and changes nothing."""

    def is_too_much(self, gone: int, known: int) -> bool:
        """Whether it is hard to believe that of so many known files so many are gone."""
        return gone > self.missing_files and gone * 100 > self.missing_percent * known
