"""How far a rotation of certificates and passwords is: the folder `rotation` beside what it replaces."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from bifrost.errors import ComponentError
from bifrost.security.private_files import write_private

Stage = Literal["accept", "use", "drop"]
"""`accept`: parts accept the new beside the old, and use the old; `use`: they use the new, and accept both; `drop`:
they accept only the new."""
STAGES: tuple[Stage, ...] = ("accept", "use", "drop")


@dataclass(frozen=True, slots=True)
class RotatedKinds:
    """What a rotation replaces."""

    certificates: bool
    passwords: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The kinds in words."""
        every = (("certificates", self.certificates), ("passwords", self.passwords))
        return tuple(name for name, is_rotated in every if is_rotated)

    def __str__(self) -> str:
        return " and ".join(self.names)


@dataclass(frozen=True, slots=True)
class RotationState:
    """What is replaced, the stage, and the parts that have restarted in it. `began` is in ISO 8601."""

    stage: Stage
    kinds: RotatedKinds
    began: str
    done: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {"stage": self.stage, **asdict(self.kinds), "began": self.began, "done": list(self.done)}

    def after(self, part: str) -> RotationState:
        """The state once a part has restarted."""
        return replace(self, done=(*self.done, part))

    def next(self) -> RotationState | None:
        """The next stage; none after the last."""
        following = STAGES[STAGES.index(self.stage) + 1 :]
        return replace(self, stage=following[0], done=()) if following else None


@dataclass(frozen=True, slots=True)
class RotationFolder:
    """The state of a rotation, with the new authority and passwords."""

    root: Path

    @property
    def authority_file(self) -> Path:
        """Key and certificate of the new authority (PEM)."""
        return self.root / "ca.pem"

    @property
    def password_file(self) -> Path:
        """The new passwords, in the form of those that they replace."""
        return self.root / "passwords.json"

    def state(self) -> RotationState | None:
        """How far the rotation is; none if there is none.

        Raises:
            ComponentError: the file is damaged.
        """
        try:
            found = json.loads(self._state_file.read_bytes())
            stage, done = found["stage"], tuple(map(str, found["done"]))
            if stage not in STAGES:
                raise ValueError(stage)
            kinds = RotatedKinds(bool(found["certificates"]), bool(found["passwords"]))
            return RotationState(cast(Stage, stage), kinds, str(found["began"]), done)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = f"{self._state_file} cannot be used; stop the platform, delete {self.root}, and start it again"
            raise ComponentError("security", problem) from error

    def write(self, state: RotationState) -> None:
        """Write how far the rotation is."""
        write_private(self._state_file, json.dumps(state.as_json(), indent=1).encode())

    def remove(self) -> None:
        """End the rotation. What it has not replaced by now remains as it was."""
        self._state_file.unlink(missing_ok=True)
        shutil.rmtree(self.root, ignore_errors=True)

    @property
    def _state_file(self) -> Path:
        return self.root / "state.json"
