"""What the pipelines of each family consist of: components, the classes that they may have, and what they can do.

To add a family, add its entry here, its adapter to `models.diffusion.loading.ADAPTERS` and its words to
`models.diffusion.prompting`. Names only: nothing is imported.
"""

from collections.abc import Mapping
from dataclasses import dataclass

STOCHASTIC_ALONE = "draws noise of its own, which no stream of a take reaches"


@dataclass(frozen=True)
class Part:
    """A component of a saved pipeline: `libraries` as model_index.json names them, `classes` that we know to work.

    `kind` is `weights`, `tokenizer`, `scheduler` or `extractor`."""

    libraries: tuple[str, ...]
    classes: tuple[str, ...]
    kind: str = "weights"
    optional: bool = False


@dataclass(frozen=True)
class Family:
    """A family of pipelines. `classes` are those that its folders may name; the first is the one that is run.

    `denoiser` is the component that computes in the device's own number type, `exact` are those that stay in float32.
    `steps` and `guidance` are the defaults of the pipeline's call."""

    name: str
    title: str
    classes: tuple[str, ...]
    parts: Mapping[str, Part]
    denoiser: str
    exact: tuple[str, ...]
    steps: int
    guidance: float


def _scheduler(*classes: str) -> Part:
    return Part(("diffusers",), classes, "scheduler")


def _tokenizer(*classes: str) -> Part:
    return Part(("transformers",), classes, "tokenizer")


_EDM = ("CosineDPMSolverMultistepScheduler", "EDMDPMSolverMultistepScheduler", "EDMEulerScheduler")
_KARRAS = (
    "DDIMScheduler", "DDPMScheduler", "PNDMScheduler", "LMSDiscreteScheduler", "EulerDiscreteScheduler",
    "HeunDiscreteScheduler", "EulerAncestralDiscreteScheduler", "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler", "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler",
    "DEISMultistepScheduler", "UniPCMultistepScheduler",
)  # fmt: skip
_FLOW = _scheduler("FlowMatchEulerDiscreteScheduler")
UNREACHED = {"DPMSolverSDEScheduler": STOCHASTIC_ALONE}  # schedulers that a pipeline would take and we do not

STABLE_AUDIO = Family(
    "stable-audio", "Stable Audio Open", ("StableAudioPipeline",),
    {
        "vae": Part(("diffusers",), ("AutoencoderOobleck",)),
        "text_encoder": Part(("transformers",), ("T5EncoderModel",)),
        "projection_model": Part(("stable_audio",), ("StableAudioProjectionModel",)),
        "tokenizer": _tokenizer("T5Tokenizer", "T5TokenizerFast"),
        "transformer": Part(("diffusers",), ("StableAudioDiTModel",)),
        "scheduler": _scheduler(*_EDM),
    },
    "transformer", ("vae",), steps=100, guidance=7.0,
)  # fmt: skip
STABLE_AUDIO_3 = Family(
    "stable-audio-3", "Stable Audio 3",
    ("StableAudio3Pipeline", "StableAudio3AudioToAudioPipeline", "StableAudio3InpaintPipeline"),
    {
        "vae": Part(("diffusers",), ("AutoencoderSAME",)),
        "text_encoder": Part(("transformers",), ("T5GemmaEncoderModel",)),
        "tokenizer": _tokenizer("GemmaTokenizer", "GemmaTokenizerFast"),
        "duration_embedder": Part(("stable_audio_3",), ("StableAudio3DurationEmbedder",)),
        "transformer": Part(("diffusers",), ("StableAudio3DiTModel",)),
        "scheduler": _FLOW,
    },
    "transformer", ("vae",), steps=8, guidance=1.0,
)  # fmt: skip
AUDIOLDM2 = Family(
    "audioldm2", "AudioLDM2", ("AudioLDM2Pipeline",),
    {
        "vae": Part(("diffusers",), ("AutoencoderKL",)),
        "text_encoder": Part(("transformers",), ("ClapModel",)),
        "text_encoder_2": Part(("transformers",), ("T5EncoderModel",)),
        "projection_model": Part(("audioldm2",), ("AudioLDM2ProjectionModel",)),
        "language_model": Part(("transformers",), ("GPT2LMHeadModel", "GPT2Model")),
        "tokenizer": _tokenizer("RobertaTokenizer", "RobertaTokenizerFast"),
        "tokenizer_2": _tokenizer("T5Tokenizer", "T5TokenizerFast"),
        "feature_extractor": Part(("transformers",), ("ClapFeatureExtractor",), "extractor"),
        "unet": Part(("audioldm2",), ("AudioLDM2UNet2DConditionModel",)),
        "scheduler": _scheduler(*_KARRAS),
        "vocoder": Part(("transformers",), ("SpeechT5HifiGan",)),
    },
    "unet", ("vae", "vocoder"), steps=200, guidance=3.5,
)  # fmt: skip
ACE_STEP = Family(
    "ace-step", "ACE-Step 1.5", ("AceStepPipeline",),
    {
        "vae": Part(("diffusers",), ("AutoencoderOobleck",)),
        "text_encoder": Part(("transformers",), ("Qwen3Model",)),
        "tokenizer": _tokenizer("Qwen2Tokenizer", "Qwen2TokenizerFast"),
        "transformer": Part(("diffusers",), ("AceStepTransformer1DModel",)),
        "condition_encoder": Part(("ace_step",), ("AceStepConditionEncoder",)),
        "scheduler": _FLOW,
        "audio_tokenizer": Part(("ace_step",), ("AceStepAudioTokenizer",), optional=True),
        "audio_token_detokenizer": Part(("ace_step",), ("AceStepAudioTokenDetokenizer",), optional=True),
    },
    "transformer", ("vae",), steps=8, guidance=7.0,
)  # fmt: skip
FAMILIES = {family.name: family for family in (STABLE_AUDIO, STABLE_AUDIO_3, AUDIOLDM2, ACE_STEP)}


def family_of_class(name: str) -> Family | None:
    """The family whose folders name that class of pipeline."""
    return next((family for family in FAMILIES.values() if name in family.classes), None)
