"""`python -m tests.random_sql --seed S --count N`: random SQL texts to every engine.

The built program is what AIR_BIN names. Ends with 1 where an engine does not give what PostgreSQL
itself gives, and does not refuse.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from random_irs.commands import asked

from random_sql.runs import SQL
from random_sql.sessions import KINDS

if __name__ == "__main__":
    sys.exit(asked(SQL, __doc__ or "", KINDS))
