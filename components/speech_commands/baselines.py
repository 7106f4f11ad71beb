"""What a recogniser must beat: logistic regression on whole clips."""

import numpy as np

from components.speech_commands.parts import ClipFacts, Part

ITERATIONS = 2_000  # of the logistic regression at the most


def regression_answers(train: Part, test: Part, facts: ClipFacts, seed: int) -> np.ndarray:
    """Labels of the test clips by logistic regression on the mean and deviation of every mel: (clips,)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from components.speech_commands.streams import spectra_blocks

    def features(part: Part) -> np.ndarray:
        blocks = spectra_blocks(part, facts)  # (clips, spectra, mels)
        rows = [np.concatenate([spectra.mean(axis=1), spectra.std(axis=1)], axis=1) for spectra in blocks]
        return np.concatenate(rows)  # (clips, 2 * mels)

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=ITERATIONS, random_state=seed))
    return np.asarray(model.fit(features(train), train.labels).predict(features(test)))
