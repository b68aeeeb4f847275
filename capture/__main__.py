"""Wi-Fi capture: `python -m capture --interface mon0`, or `python -m capture --replay FILE`."""

from __future__ import annotations

import sys

from capture.program import main

if __name__ == "__main__":
    sys.exit(main())
