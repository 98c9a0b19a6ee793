"""torchaudio must import beside this torch whichever of the two is imported first."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("program", ["import torchaudio", "import torch, torchaudio", "import torchaudio.functional"])
def test_torchaudio_imports_in_any_order(program: str) -> None:
    check = "; import torch, torchaudio; print(torchaudio.functional.resample(torch.ones(1, 64), 2, 1).shape[-1])"
    done = subprocess.run([sys.executable, "-c", program + check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "32"
