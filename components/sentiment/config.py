"""Settings of a sentiment training, and its presets."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator

from components.settings import Settings

Listed = BeforeValidator(lambda given: [given] if isinstance(given, str) and given else given or ())
Step = Literal["line breaks", "entities", "escapes", "white space"]


class Config(Settings):
    """Settings of a sentiment training."""

    vocabulary: int = Field(8_000, ge=64, le=100_000, description="word pieces in the tokenizer")
    embedding: int = Field(64, ge=1, le=1_024, description="numbers per word piece")
    vectors: bool = Field(True, description="start word pieces from their neighbours in the texts, labelled or not")
    pairs: int = Field(4_096, ge=0, le=2**22, description="rows for pairs in the linear part; 0 for the GRU alone")
    max_length: int = Field(128, ge=4, le=4_096, description="word pieces read of each text; the rest is cut off")
    stretch: int = Field(128, ge=4, le=4_096, description="word pieces of each text in a training step, from anywhere")
    word_dropout: float = Field(0.0, ge=0, lt=1, description="share of word pieces hidden while training")
    input_dropout: float = Field(0.0, ge=0, lt=1, description="share of embedding features dropped while training")
    taught_epochs: int = Field(0, ge=0, le=1_000, description="passes over self-labelled texts, where there are any")
    bfloat16: bool = Field(False, description="train with bfloat16 products where the processor has them")
    text_column: str = Field("", description="column with the text, by name or number; found when empty")
    label_column: str = Field("", description="column with the label, by name or number; found when empty")
    separator: Literal["", "comma", "semicolon", "tab", "bar"] = Field(
        "", description="between cells; found when empty"
    )
    encoding: str = Field("", description="of the files of text, such as cp1252; found when empty")
    join_labels: bool = Field(False, description="whether spellings of one label (Good and good, 1 and 1.0) are one")
    label_names: Annotated[tuple[str, ...], Listed] = Field((), description="names of labels: 0=negative,1=positive")
    cleaning: Annotated[tuple[Step, ...], Listed] = Field(
        (), description="what is done to every text, here and on the device; the source's own steps when empty"
    )
    validation_share: float = Field(0.1, gt=0, lt=0.5, description="share of the training texts kept for validation")
    test_share: float = Field(0.1, gt=0, lt=0.5, description="share kept for the test where the source has no split")

    training_only: ClassVar[frozenset[str]] = Settings.training_only.union(
        ("pairs", "max_length", "stretch", "word_dropout", "input_dropout", "taught_epochs", "bfloat16")
    )

    @field_validator("label_names")
    @classmethod
    def _pairs(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for pair in given:
            if not all(part.strip() for part in pair.partition("=")):
                raise ValueError(f"'{pair}' names no label: write LABEL=NAME, several with commas")
        return given

    def names(self) -> dict[str, str]:
        """The names that the user gave to labels."""
        pairs = (pair.partition("=") for pair in self.label_names)
        return {label.strip(): name.strip() for label, _, name in pairs}


PRESETS = {
    "tiny": Config(
        vocabulary=400, embedding=32, vectors=False, max_length=48, stretch=48, units=32, epochs=6, learning_rate=5e-3
    ),
    "base": Config(
        vocabulary=12_000, embedding=64, pairs=2**18, max_length=600, stretch=256, dropout=0.5, input_dropout=0.2,
        epochs=3, taught_epochs=2, batch_size=128, learning_rate=3e-3, bfloat16=True
    ),
    "large": Config(
        vocabulary=24_000, embedding=128, pairs=2**20, max_length=800, stretch=400, units=128, dropout=0.5,
        input_dropout=0.3, epochs=4, taught_epochs=2, batch_size=128, learning_rate=3e-3, bfloat16=True
    ),
}  # fmt: skip
