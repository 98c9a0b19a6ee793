"""One lesson learned by several workers: Ray Train starts them, DistributedDataParallel adds their gradients up.

The rows of a step are shared among the workers alike: there are never more workers than divide the batches (see
`planning`). They learn nearly the same as one worker does, not the same: the token model's losses are means over the
codes that each worker has, which are fewer where sounds end early, and each draws its own dropout; the codec's books
begin, and are revived, from the first worker's rows, and its spectral loss is a ratio for each worker. Bits are
promised for one worker only. Nothing here learns.
"""

from pathlib import Path
from typing import Any

from services.rendering.jobs import RenderingStoppedError
from services.training.errors import AGAIN
from services.training.loop import Together
from services.training.stages import outcome, run_stage


def learn_together(
    folder: Path, stage: str, every: int | None, workers: int, device: str, cpus: float
) -> dict[str, Any]:
    """Do a learning stage with `workers` workers; returns what it left. Raises RenderingStoppedError."""
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    gpus = device == "cuda"
    trainer = TorchTrainer(
        _work,
        train_loop_config={"folder": str(folder), "stage": stage, "every": every, "device": device},
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpus, resources_per_worker={"CPU": cpus}
                                     | ({"GPU": 1.0} if gpus else {})),
        torch_config=TorchConfig(backend="nccl" if gpus else "gloo"),
        run_config=RunConfig(name=f"{folder.name}-{stage}", storage_path=str((folder / "ray").absolute())),
    )  # fmt: skip
    try:
        trainer.fit()
    except Exception as error:  # Ray Train raises several kinds, none of them narrow
        told = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise RenderingStoppedError(f"training by {workers} workers stopped ({told}); {AGAIN}") from error
    left = outcome(folder, stage)
    if left is None:
        raise RenderingStoppedError(f"training by {workers} workers left nothing; {AGAIN}")
    return left


def _work(config: dict[str, Any]) -> None:
    """What each worker does; the first of them writes."""
    import torch
    from ray.train import get_context
    from ray.train.torch import get_device
    from torch.nn.parallel import DistributedDataParallel

    context = get_context()
    device = str(get_device()) if config["device"] == "cuda" else "cpu"
    devices = [torch.device(device)] if config["device"] == "cuda" else None

    def wrap(module: Any) -> Any:
        return DistributedDataParallel(module, device_ids=devices, broadcast_buffers=False)

    group = Together(context.get_world_size(), context.get_world_rank(), device, wrap)
    run_stage(Path(config["folder"]), config["stage"], config["every"], group)
    torch.distributed.barrier()
