"""Functions of java.lang.Math whose last digit differs from the C library's.

Java computes them with the algorithms of fdlibm (the "Freely Distributable LIBM" by Sun Microsystems): an argument is
reduced to a small range, where a polynomial or rational function approximates the result. The constants are fdlibm's.
The order of operations matters: another order changes the last digit.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

_PI_LOW = 1.2246467991473531772e-16
_HALF_PI, _HALF_PI_LOW = 1.57079632679489655800, 6.12323399573676603587e-17
_QUARTER_PI = 7.85398163397448278999e-01
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_INVERSE_LN2 = 1.44269504088896338700
_LN2 = 0.6931471805599453

_ATAN_HIGH = (4.63647609000806093515e-01, _QUARTER_PI, 9.82793723247329054082e-01, _HALF_PI)
_ATAN_LOW = (2.26987774529616870924e-17, 3.06161699786838301793e-17, 1.39033110312309984516e-17, _HALF_PI_LOW)
_ATAN_EVEN = (
    3.33333333333329318027e-01,
    1.42857142725034663711e-01,
    9.09088713343650656196e-02,
    6.66107313738753120669e-02,
    4.97687799461593236017e-02,
    1.62858201153657823623e-02,
)
_ATAN_ODD = (
    -1.99999999998764832476e-01,
    -1.11111104054623557880e-01,
    -7.69187620504482999495e-02,
    -5.83357013379057348645e-02,
    -3.65315727442169155270e-02,
)
_ASIN_TOP = (
    1.66666666666666657415e-01,
    -3.25565818622400915405e-01,
    2.01212532134862925881e-01,
    -4.00555345006794114027e-02,
    7.91534994289814532176e-04,
    3.47933107596021167570e-05,
)
_ASIN_BOTTOM = (
    1.0,
    -2.40339491173441421878e00,
    2.02094576023350569471e00,
    -6.88283971605453293030e-01,
    7.70381505559019352791e-02,
)
_EXP = (
    1.66666666666666019037e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)
_EXPM1 = (
    1.0,
    -3.33333333333331316428e-02,
    1.58730158725481460165e-03,
    -7.93650757867487942473e-05,
    4.00821782732936239552e-06,
    -2.01099218183624371326e-07,
)
_LOG_OF_MAX = 709.782712893384


def _polynomial(coefficients: Sequence[float], x: float) -> float:
    """Evaluate `c0 + x * (c1 + x * (c2 + ...))`."""
    total = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total = coefficient + x * total
    return total


def _high_word(x: float) -> int:
    return int(struct.unpack(">i", struct.pack(">d", x)[:4])[0])


def _from_high_word(word: int) -> float:
    """Return the number with these upper 32 bits, the others zero."""
    return float(struct.unpack(">d", struct.pack(">iI", word, 0))[0])


def cube_root(x: float) -> float:
    """Return the cube root."""
    if x == 0 or not math.isfinite(x):
        return x
    size = abs(x)
    if size < 2.0**-1022:
        # A subnormal number is scaled by 2^54 to have an exponent; the constant takes its third, 18, back.
        guess = _from_high_word(_high_word(size * 2.0**54) // 3 + 696_219_795)
    else:
        # A third of the upper word is about a third of the exponent: a guess of five bits.
        guess = _from_high_word(_high_word(size) // 3 + 715_094_163)
    s = 5.42857142857142815906e-01 + guess * guess / size * guess
    guess *= 3.57142857142857150787e-01 + 1.60714285714285720630 / (
        s + 1.41428571428571436819 + -7.05306122448979611050e-01 / s
    )
    # Cut to 20 bits and made larger than the root, so that its square is exact.
    guess = _from_high_word(_high_word(guess) + 1)
    quotient = size / (guess * guess)
    root = guess + guess * ((quotient - guess) / (guess + guess + quotient))
    return math.copysign(root, x)


def arc_tangent(x: float) -> float:
    """Return the angle of a tangent, in radians."""
    size = abs(x)
    if math.isnan(x) or size < 2.0**-29:
        return x
    if size >= 2.0**66:
        return math.copysign(_HALF_PI + _HALF_PI_LOW, x)
    if size < 0.4375:
        return x - x * _atan_series(x)
    if size < 0.6875:
        part, reduced = 0, (2.0 * size - 1.0) / (2.0 + size)
    elif size < 1.1875:
        part, reduced = 1, (size - 1.0) / (size + 1.0)
    elif size < 2.4375:
        part, reduced = 2, (size - 1.5) / (1.0 + 1.5 * size)
    else:
        part, reduced = 3, -1.0 / size
    angle = _ATAN_HIGH[part] - ((reduced * _atan_series(reduced) - _ATAN_LOW[part]) - reduced)
    return math.copysign(angle, x)


def _atan_series(x: float) -> float:
    z = x * x
    w = z * z
    return z * _polynomial(_ATAN_EVEN, w) + w * _polynomial(_ATAN_ODD, w)


def angle_of(y: float, x: float) -> float:
    """Return the angle of the point (x, y), in radians."""
    if math.isnan(x) or math.isnan(y) or y == 0 or x == 0 or math.isinf(x) or math.isinf(y):
        return math.atan2(y, x)
    if x == 1.0:
        return arc_tangent(y)
    difference = (_high_word(abs(y)) >> 20) - (_high_word(abs(x)) >> 20)
    # The smaller side is beyond the precision of a DOUBLE, as seen from the larger one.
    if difference > 60:
        angle = _HALF_PI + 0.5 * _PI_LOW
    elif x < 0 and difference < -60:
        angle = 0.0
    else:
        angle = arc_tangent(abs(y / x))
    if x > 0:
        return math.copysign(angle, y)
    return math.pi - (angle - _PI_LOW) if y > 0 else (angle - _PI_LOW) - math.pi


def _asin_ratio(t: float) -> float:
    return t * _polynomial(_ASIN_TOP, t) / _polynomial(_ASIN_BOTTOM, t)


def _upper_half(x: float) -> float:
    """Return the number with its lower 32 bits cleared."""
    return _from_high_word(_high_word(x))


def arc_sine(x: float) -> float:
    """Return the angle of a sine, in radians; NaN outside of -1 to 1."""
    size = abs(x)
    if size == 1.0:
        return x * _HALF_PI + x * _HALF_PI_LOW
    if not size < 1.0:
        return math.nan
    if size < 2.0**-27:
        return x
    if size < 0.5:
        return x + x * _asin_ratio(x * x)
    t = (1.0 - size) * 0.5
    ratio, s = _asin_ratio(t), math.sqrt(t)
    if _high_word(size) >= 0x3FEF3333:  # Above 0.975.
        angle = _HALF_PI - (2.0 * (s + s * ratio) - _HALF_PI_LOW)
    else:
        w = _upper_half(s)
        c = (t - w * w) / (s + w)
        p = 2.0 * s * ratio - (_HALF_PI_LOW - 2.0 * c)
        angle = _QUARTER_PI - (p - (_QUARTER_PI - 2.0 * w))
    return math.copysign(angle, x)


def arc_cosine(x: float) -> float:
    """Return the angle of a cosine, in radians; NaN outside of -1 to 1."""
    size = abs(x)
    if size == 1.0:
        return 0.0 if x > 0 else math.pi + 2.0 * _HALF_PI_LOW
    if not size < 1.0:
        return math.nan
    if size <= 2.0**-57:
        return _HALF_PI + _HALF_PI_LOW
    if size < 0.5:
        return _HALF_PI - (x - (_HALF_PI_LOW - x * _asin_ratio(x * x)))
    z = (1.0 - size) * 0.5
    ratio, s = _asin_ratio(z), math.sqrt(z)
    if x < 0:
        return math.pi - 2.0 * (s + (ratio * s - _HALF_PI_LOW))
    upper = _upper_half(s)
    c = (z - upper * upper) / (s + upper)
    return 2.0 * (upper + (ratio * s + c))


def _exponential(x: float) -> float:
    """Return e to the power of a number from 0 up to the logarithm of the largest DOUBLE."""
    if x < 2.0**-28:
        return 1.0 + x
    power, high, low = _reduced(x)
    r = high - low if power else x
    t = r * r
    c = r - t * _polynomial(_EXP, t)
    if not power:
        return 1.0 - ((r * c) / (c - 2.0) - r)
    return math.ldexp(1.0 - ((low - (r * c) / (2.0 - c)) - high), power)


def _reduced(x: float) -> tuple[int, float, float]:
    """Return n and, in two parts, x - n * ln 2."""
    if x <= 0.5 * _LN2:
        return 0, x, 0.0
    power = 1 if x < 1.5 * _LN2 else int(_INVERSE_LN2 * x + 0.5)
    return power, x - power * _LN2_HIGH, power * _LN2_LOW


def _exponential_minus_one(x: float) -> float:
    """Return e to the power of a number from 0 to 22, minus 1."""
    if x < 2.0**-54:
        return x
    power, high, low = _reduced(x)
    r = high - low
    c = (high - r) - low
    half = 0.5 * r
    square = r * half
    r1 = _polynomial(_EXPM1, square)
    t = 3.0 - r1 * half
    error = square * ((r1 - t) / (6.0 - r * t))
    if not power:
        return r - (r * error - square)
    error = (r * (error - c) - c) - square
    if power == 1:
        return -2.0 * (error - (r + 0.5)) if r < -0.25 else 1.0 + 2.0 * (r - error)
    if power < 20:
        return math.ldexp((1.0 - 2.0**-power) - (error - r), power)
    return math.ldexp((r - (error + 2.0**-power)) + 1.0, power)


def hyperbolic_sine(x: float) -> float:
    """Return the hyperbolic sine."""
    size = abs(x)
    if not math.isfinite(x) or size < 2.0**-28:
        return x
    half = math.copysign(0.5, x)
    if size < 22.0:
        t = _exponential_minus_one(size)
        return half * (2.0 * t - t * t / (t + 1.0)) if size < 1.0 else half * (t + t / (t + 1.0))
    return _half_exponential(half, size)


def hyperbolic_cosine(x: float) -> float:
    """Return the hyperbolic cosine."""
    size = abs(x)
    if not math.isfinite(x):
        return size
    if size < 0.5 * _LN2:
        t = _exponential_minus_one(size)
        w = 1.0 + t
        return w if size < 2.0**-55 else 1.0 + (t * t) / (w + w)
    if size < 22.0:
        t = _exponential(size)
        return 0.5 * t + 0.5 / t
    return _half_exponential(0.5, size)


def _half_exponential(half: float, size: float) -> float:
    """Return `half` times e to the power of `size`; the result may exist although the power does not."""
    if size < _LOG_OF_MAX:
        return half * _exponential(size)
    # Half of the power exceeds the largest DOUBLE as well.
    if size > 711.0:
        return math.copysign(math.inf, half)
    w = _exponential(0.5 * size)
    # From left to right: `w * w` alone could be infinite.
    return half * w * w
