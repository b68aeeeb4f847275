"""GEO_DISTANCE."""

from __future__ import annotations

import math

from bifrost.engine.functions.java.math import arc_sine
from bifrost.engine.functions.library import FunctionError, Library

LIBRARY = Library("OTHER")

_KILOMETRES, _MILES = 6371.0, 3959.0
_RADIUS = {unit: _KILOMETRES for unit in ("KM", "KILOMETER", "KILOMETERS", "KILOMETRE", "KILOMETRES")}
_RADIUS |= {unit: _MILES for unit in ("MI", "MILE", "MILES")}


def _radians(degrees: float) -> float:
    """Convert to radians in ksqlDB's order of operations, so that the last digits agree."""
    return degrees / 180 * math.pi


def _half_sine_squared(angle: float) -> float:
    sine = math.sin(angle / 2)
    return sine * sine


@LIBRARY.scalar(
    "GEO_DISTANCE",
    "lat1 DOUBLE, lon1 DOUBLE, lat2 DOUBLE, lon2 DOUBLE -> DOUBLE",
    "lat1 DOUBLE, lon1 DOUBLE, lat2 DOUBLE, lon2 DOUBLE, units STRING -> DOUBLE",
    description="Returns the great-circle distance of two points, in kilometres or miles.",
    nulls=True,
)
def geo_distance(
    lat1: float | None, lon1: float | None, lat2: float | None, lon2: float | None, units: str | None = None
) -> float | None:
    """Return the distance by the haversine formula; angles in degrees, the result in kilometres by default."""
    if lat1 is None or lon1 is None or lat2 is None or lon2 is None:
        return None
    if max(abs(lat1), abs(lat2)) > 90 or max(abs(lon1), abs(lon2)) > 180:
        raise FunctionError("GEO_DISTANCE: latitudes must be in the range of -90 to 90, longitudes of -180 to 180")
    radius = _RADIUS.get((units or "KM").upper())
    if radius is None:
        raise FunctionError(f"GEO_DISTANCE: the unit must be one of KM, MILES, got {units}")
    across = _half_sine_squared(_radians(lon2 - lon1)) * math.cos(_radians(lat1)) * math.cos(_radians(lat2))
    return radius * (2 * arc_sine(math.sqrt(_half_sine_squared(_radians(lat2 - lat1)) + across)))
