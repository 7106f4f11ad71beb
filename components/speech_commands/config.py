"""Settings of a recogniser's training, and its presets."""

from typing import ClassVar

from pydantic import Field

from components.settings import Settings
from components.speech_commands.detections import Rule
from components.speech_commands.network import Shape


class Config(Settings):
    """Settings of a recogniser's training."""

    words: tuple[str, ...] = Field((), description="words to tell apart, others are _unknown_; empty: see the README")
    sample_rate: int = Field(
        0, ge=0, le=48_000, description="Hz of the model; 0 takes the clips' commonest, 16,000 at most"
    )
    channel: int = Field(0, ge=0, le=32, description="channel of clips with several, 1 the first; 0 mixes all")
    clip_seconds: float = Field(1.0, ge=0.2, le=5, description="length of a clip; longer ones are cut to the loudest")
    embedded_clips: int = Field(1_500, ge=100, le=200_000, description="clips that espeak-ng speaks for `embedded`")
    embedded_words: int = Field(
        10, ge=2, le=10, description="how many of the ten core words these are, without `words`"
    )
    synthetic_clips: int = Field(0, ge=0, le=200_000, description="clips by espeak-ng added to the training part")
    other_words: bool = Field(True, description="let espeak-ng speak _unknown_ words where the data has none")
    filters: int = Field(16, ge=1, le=256, description="filters of the convolution over time and frequency")
    context: int = Field(5, ge=2, le=50, description="spectra, one every 20 ms, that the convolution sees at once")
    features: int = Field(64, ge=1, le=1_024, description="features made of the filters' answers for the GRUs")
    copies: int = Field(4, ge=1, le=100, description="versions of each clip with other speed and echo, made beforehand")
    augmentation: float = Field(1.0, ge=0, le=1, description="strength of all other changes to clips; 0 is none")
    clips_in_stream: int = Field(2, ge=1, le=20, description="clips heard one after the other in a training sequence")
    label_smoothing: float = Field(0.05, ge=0, lt=1, description="probability spread over the wrong labels")
    decision_frames: int = Field(5, ge=1, le=200, description="frames of 40 ms whose mean probability decides")
    threshold: float = Field(0.6, gt=0, le=1, description="probability from which a stream's word counts as heard")
    refractory_ms: int = Field(1_000, ge=0, le=60_000, description="milliseconds without a second detection")

    training_only: ClassVar[frozenset[str]] = Settings.training_only.union(
        ("filters", "context", "features", "copies", "augmentation", "clips_in_stream", "label_smoothing"),
        ("decision_frames", "threshold", "refractory_ms"),
    )

    @property
    def shape(self) -> Shape:
        """Sizes of the network."""
        return Shape(self.units, self.layers, self.filters, self.context, self.features, self.dropout)

    @property
    def rule(self) -> Rule:
        """When a stream's probabilities become a detection."""
        return Rule(self.decision_frames, self.threshold, self.refractory_ms / 1_000)


TRAINING = {"dropout": 0.2, "weight_decay": 1e-2, "patience": 20, "threshold": 0.7}
PRESETS = {
    "tiny": Config(embedded_words=6, embedded_clips=1_200, copies=1, augmentation=0.3).changed(
        {"units": 48, "filters": 8, "features": 32, "epochs": 10, "batch_size": 16, "learning_rate": 8e-3}
    ),
    "base": Config(
        units=144, copies=6, augmentation=0.75, epochs=60, learning_rate=3e-3, synthetic_clips=3_500, **TRAINING
    ),
    "large": Config(
        units=256, layers=2, filters=32, features=96, epochs=40, batch_size=64, learning_rate=2e-3, **TRAINING
    ),
}
