"""`python -m tests.random_irs --seed S --count N`: random questions to every engine.

The built program is what AIR_BIN names. Ends with 1 where the engines differ anywhere.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from datasets import ENGINES

from random_irs.commands import asked
from random_irs.runs import IRS

if __name__ == "__main__":
    sys.exit(asked(IRS, __doc__ or "", ENGINES))
