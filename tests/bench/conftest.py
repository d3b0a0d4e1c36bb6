import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"
if str(BENCH) not in sys.path:
    # Its files run as scripts, so they import one another without a package.
    sys.path.append(str(BENCH))
