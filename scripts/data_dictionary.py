"""Write docs/data_dictionary.md from the contracts; with --check, only compare.

Exit code 1 where the file is not what the contracts say.
"""

import argparse
import sys
from pathlib import Path

from recsys_pipeline.contracts import ACTIONS, IMPRESSIONS, SOURCE_TABLES, TOP_N, USER_WEEKS
from recsys_pipeline.contracts.dictionary import data_dictionary

PAGE = Path(__file__).resolve().parents[1] / "docs" / "data_dictionary.md"


def main() -> int:
    """Write or compare the page, as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args().check
    text = data_dictionary((*SOURCE_TABLES, TOP_N, IMPRESSIONS, ACTIONS, USER_WEEKS))
    if not check:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        print(f"docs/{PAGE.name} differs from contracts/: run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
