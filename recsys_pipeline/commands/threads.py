"""How the libraries below use threads, for this process and for those that it starts."""

from typing import Final

THREADS: Final = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
"""Environment variables, read when the first numerical library is loaded; the user's own win.

Threads that spin while they wait take the cores from those that work: on a busy machine that
turned seconds of training into minutes, and an idle one loses little.
"""
