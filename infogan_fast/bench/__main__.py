"""``python -m infogan_fast.bench``: needs torch alone for ``--op``."""

import sys

from infogan_fast.bench.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
