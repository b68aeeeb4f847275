"""ANOMALY: how far sensor readings are from what is usual, by an autoencoder.

    SELECT EVENT_ID, ANOMALY(SENSORINPUT) FROM HEALTH_SENSOR EMIT CHANGES;

The readings are one text of numbers separated by `#`, in the order of the model's inputs. The model (anomaly.json) was
fitted to the usual; what it cannot reproduce is unusual.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from bifrost.engine.functions.udf import FunctionError, Library

FUNCTIONS = Library("OTHER", author="Bifrost", version="1.0")

_MODEL: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


@FUNCTIONS.scalar(
    "ANOMALY",
    "sensorinput STRING -> DOUBLE",
    description="Gives the reconstruction error of an autoencoder for readings separated by #: the higher, the odder.",
    refusal="Anomaly udf should have one input argument.",
)
def anomaly(sensor_input: str) -> float:
    """The mean squared difference of the readings, in standard deviations, from what the model makes of them."""
    try:
        numbers = [float(part) for part in sensor_input.split("#")]
        readings = [numbers[place] for place, _ in enumerate(_MODEL["inputs"])]
    except (ValueError, IndexError) as error:
        raise FunctionError("Model Inference failed. Please check the logs.") from error
    return reconstruction_error(readings)


def reconstruction_error(readings: list[float]) -> float:
    """The mean squared error of the model's output for readings in the order of its inputs."""
    scales = zip(readings, _MODEL["mean"], _MODEL["deviation"], strict=True)
    standard = [(reading - mean) / deviation for reading, mean, deviation in scales]
    output = standard
    for layer in _MODEL["layers"]:
        output = _layer(output, layer)
    return math.fsum((a - b) ** 2 for a, b in zip(standard, output, strict=True)) / len(standard)


def _layer(values: list[float], layer: dict[str, Any]) -> list[float]:
    sums = [
        sum(weight * value for weight, value in zip(weights, values, strict=True)) + bias
        for weights, bias in zip(layer["weights"], layer["bias"], strict=True)
    ]
    return [math.tanh(total) for total in sums] if layer["activation"] == "tanh" else sums
