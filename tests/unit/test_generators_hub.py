"""What is fetched of a hub's checkpoint: its parts, once, and nothing that unpickles where there is another way."""

from pathlib import Path

import pytest

from services.generators import hub
from tests.hub_server import serving

PIPELINE = (
    "model_index.json", "README.md", "transformer/config.json", "transformer/diffusion_pytorch_model.safetensors",
    "tokenizer/spiece.model", "tokenizer/merges.txt",
)  # fmt: skip
NOT_OF_IT = (
    "model.safetensors", "model.ckpt", "sample.wav", "transformer/diffusion_pytorch_model.bin",
    "transformer/diffusion_pytorch_model.fp16.safetensors", "examples/deep/config.json",
)  # fmt: skip


def test_of_a_pipeline_its_parts_are_fetched_and_found_again_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*PIPELINE, *NOT_OF_IT):
        (tmp_path / "served" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "served" / name).write_text(f"{{}} {name}")

    def tell_client(**settings: object) -> None:  # it reads its settings once, when it is imported
        for name, value in settings.items():
            monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)

    with serving("acme/pipeline") as served:
        template = served.address + "/{repo_id}/resolve/{revision}/{filename}"
        tell_client(HF_HUB_CACHE=str(tmp_path / "cache"), ENDPOINT=served.address, HF_HUB_OFFLINE=False)
        tell_client(HUGGINGFACE_CO_URL_TEMPLATE=template)
        commit = served.publish("main", tmp_path / "served")
        found = hub.fetch("acme/pipeline", "main", quiet=True)
        there = {path.relative_to(found.folder).as_posix() for path in found.folder.rglob("*") if path.is_file()}
        assert (found.commit, there) == (commit, set(PIPELINE))
        served.served.clear()
        tell_client(HF_HUB_OFFLINE=True)
        assert hub.fetch("acme/pipeline", "main", quiet=True) == found
        assert served.served == []
