"""What a sentiment network must beat: TF-IDF with logistic regression, and always the commonest label."""

from collections.abc import Sequence

import numpy as np

LONGEST_PHRASE = 2  # words
FEWEST_TEXTS = 2  # that a phrase must stand in
INVERSE_PENALTY = 10.0


def tfidf_regression(texts: Sequence[str], labels: np.ndarray, new_texts: Sequence[str], classes: int) -> np.ndarray:
    """Probabilities (new texts, classes) by logistic regression on TF-IDF of words and word pairs."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(ngram_range=(1, LONGEST_PHRASE), min_df=FEWEST_TEXTS, sublinear_tf=True)
    regression = make_pipeline(words, LogisticRegression(C=INVERSE_PENALTY, max_iter=1_000))
    regression.fit(list(texts), labels)
    found = np.zeros((len(new_texts), classes))
    found[:, regression.classes_] = regression.predict_proba(list(new_texts))
    return found


def majority(labels: np.ndarray, count: int, classes: int) -> np.ndarray:
    """Probabilities (count, classes): the training part's shares of the labels, whatever the text."""
    return np.tile(np.bincount(labels, minlength=classes) / len(labels), (count, 1))
