"""Settings of a text generation training, and its presets."""

from typing import ClassVar, Literal

from pydantic import Field

from components.settings import Settings


class Config(Settings):
    """Settings of a text generation training."""

    level: Literal["character", "subword"] = Field("character", description="what the network reads and writes")
    vocabulary: int = Field(1_000, ge=257, le=100_000, description="word pieces in the tokenizer, at subword level")
    embedding: int = Field(64, ge=1, le=1_024, description="numbers per character or word piece")
    tied: bool = Field(False, description="whether the output layer shares the embedding's weights")
    weight_dropout: float = Field(0.0, ge=0, lt=1, description="share of recurrent weights dropped while training")
    encoding: str = Field("", description="of the files of text, such as cp1252; found when empty")
    window: int = Field(100, ge=2, le=2_000, description="steps through which gradients flow back")
    validation_share: float = Field(0.05, gt=0, lt=0.4, description="share of the text, before the test part")
    test_share: float = Field(0.1, gt=0, lt=0.4, description="share of the text, at its end")

    training_only: ClassVar[frozenset[str]] = Settings.training_only | {"embedding", "tied", "weight_dropout"}


PRESETS = {
    "tiny": Config(units=256, embedding=32, window=64, dropout=0.2, epochs=6, batch_size=16, learning_rate=6e-3),
    "base": Config(  # dropout shares as in the literature, not tuned
        units=512,
        window=64,
        dropout=0.3,
        weight_dropout=0.2,
        epochs=20,
        batch_size=64,
        learning_rate=4e-3,
        patience=4,
    ),
    "large": Config(
        units=768, layers=2, embedding=128, window=128, dropout=0.4, epochs=30, batch_size=64, learning_rate=2e-3
    ),
}
