"""A session of Ray begins in a thread of its own, beside other imports."""

import subprocess
import sys

CODE = """
import sys, threading
import services.rendering.ray_cluster as cluster

def hold(self):
    print(cluster.SHARED in sys.modules)

cluster.Session._hold = hold
session = cluster.Session(cluster.Cluster())
session._thread.join()
"""


def test_what_ray_shares_with_others_is_imported_before_its_thread_begins() -> None:
    told = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == ["True"]
