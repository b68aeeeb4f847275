"""The elements of a compiled date and time pattern; they print and read, see formatting.py and parsing.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bifrost.engine.functions.javatime.fields import TimeField
from bifrost.engine.functions.javatime.texts import Style

MAX_WIDTH = 19
FIXED = -1
"""The number of reserved digits of a number whose width is fixed."""


class SignStyle(Enum):
    """Which signs a number may have."""

    NORMAL = "NORMAL"
    NOT_NEGATIVE = "NOT_NEGATIVE"
    EXCEEDS_PAD = "EXCEEDS_PAD"


@dataclass(frozen=True, slots=True)
class Number:
    """A number of `min_width` to `max_width` digits.

    Numbers without a separator share their digits: the first may take more digits than its own only if `reserved`
    digits remain for those of fixed width that follow it. `reserved` is -1 in a number whose width is fixed.
    """

    field: TimeField
    min_width: int = 1
    max_width: int = MAX_WIDTH
    sign: SignStyle = SignStyle.NORMAL
    reserved: int = 0

    @property
    def can_follow(self) -> bool:
        """Whether the number has a fixed width, so that it may follow another number directly."""
        return self.min_width == self.max_width and self.sign is SignStyle.NOT_NEGATIVE


@dataclass(frozen=True, slots=True)
class TwoDigitYear(Number):
    """The last two digits of a year from 2000 to 2099."""


@dataclass(frozen=True, slots=True)
class WeekYear(Number):
    """A week-based year: it counts as a number of fixed sign when numbers follow each other."""

    @property
    def can_follow(self) -> bool:
        """Whether the number has a fixed width, so that it may follow another number directly."""
        return self.min_width == self.max_width


@dataclass(frozen=True, slots=True)
class Fraction(Number):
    """The first digits of the nanosecond."""


@dataclass(frozen=True, slots=True)
class FieldText:
    """A field's English text; `standalone` texts are those without a date around them (L, q, c)."""

    field: TimeField
    style: Style
    standalone: bool = False


@dataclass(frozen=True, slots=True)
class Offset:
    """An offset from UTC; `zero` is printed for none. Minutes and seconds are required, optional or never written."""

    minutes: str
    seconds: str
    colon: bool
    zero: str


@dataclass(frozen=True, slots=True)
class LocalizedOffset:
    """`GMT+8`, full `GMT+08:00`."""

    full: bool


@dataclass(frozen=True, slots=True)
class ZoneId:
    """A zone's id or an offset."""


@dataclass(frozen=True, slots=True)
class ZoneName:
    """A zone's name; a generic one does not distinguish summer time."""

    full: bool
    generic: bool


@dataclass(frozen=True, slots=True)
class PeriodOfDay:
    """The part of the day."""

    style: Style


@dataclass(frozen=True, slots=True)
class LiteralText:
    """Text that stands for itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Padded:
    """An element with blanks before it up to a width."""

    element: Element
    width: int


@dataclass(frozen=True, slots=True)
class OptionalPart:
    """Elements that may be missing together."""

    elements: tuple[Element, ...]


Element = (
    Number
    | FieldText
    | Offset
    | LocalizedOffset
    | ZoneId
    | ZoneName
    | PeriodOfDay
    | LiteralText
    | Padded
    | OptionalPart
)
