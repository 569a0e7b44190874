"""Every figure of speed and memory that this project claims, measured beside its peers: `python -m benchmarks`."""

import os

# The profiler of torch reports its own start and stop otherwise.
os.environ.setdefault("KINETO_LOG_LEVEL", "99")
