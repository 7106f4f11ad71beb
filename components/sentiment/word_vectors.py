"""Vectors of word pieces from their neighbours in text without labels.

Shifted positive pointwise mutual information of pieces within a window, factorised (Levy and Goldberg 2014, "Neural
word embedding as implicit matrix factorization"; context smoothing and the square root of the singular values after
Levy, Goldberg and Dagan 2015). It takes seconds where a skip-gram network takes minutes.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

log = logging.getLogger(__name__)

WINDOW = 8  # neighbours on each side; nearer ones weigh more
CONTEXT_SMOOTHING = 0.75  # power of the context counts: keeps rare contexts from dominating
POWER_ITERATIONS = 4  # of the randomised factorisation
DEVIATION = 0.17  # standard deviation of all numbers; twice to three times Keras' default start


def word_vectors(sequences: Sequence[np.ndarray], vocabulary: int, size: int, seed: int) -> np.ndarray:
    """One vector per word piece, shape (vocabulary, size), float32; zeros for pieces that never have a neighbour.

    Args:
        sequences: ids of each text, below `vocabulary`.
        vocabulary: number of word pieces.
        size: numbers per vector; those beyond the vocabulary's own rank stay zero.
        seed: seed of the factorisation.
    """
    from sklearn.utils.extmath import randomized_svd

    log.info("word vectors: counting neighbours in %d texts", len(sequences))
    information = _information(_neighbours(sequences, vocabulary))
    rank = min(size, vocabulary - 1)
    log.info("word vectors: factorising %d pairs of pieces", information.nnz)
    left, values, _ = randomized_svd(information, rank, n_iter=POWER_ITERATIONS, random_state=seed)
    vectors = np.zeros((vocabulary, size), np.float32)
    vectors[:, :rank] = left * np.sqrt(values)  # (vocabulary, rank)
    spread = float(vectors.std())
    return vectors * np.float32(DEVIATION / spread) if spread else vectors


def _neighbours(sequences: Sequence[np.ndarray], vocabulary: int) -> "csr_matrix":
    """How often two pieces stand near each other, nearer ones counted more: (vocabulary, vocabulary), symmetric."""
    from scipy.sparse import coo_matrix, csr_matrix

    ids = np.concatenate(sequences).astype(np.int32)
    text = np.repeat(np.arange(len(sequences), dtype=np.int32), [len(sequence) for sequence in sequences])
    counts = csr_matrix((vocabulary, vocabulary), dtype=np.float32)
    for distance in range(1, WINDOW + 1):
        together = text[:-distance] == text[distance:]
        first, second = ids[:-distance][together], ids[distance:][together]
        weight = np.full(len(first), (WINDOW + 1 - distance) / WINDOW, np.float32)
        counts = counts + coo_matrix((weight, (first, second)), shape=counts.shape).tocsr()
    return csr_matrix(counts + counts.T)


def _information(counts: "csr_matrix") -> "csr_matrix":
    """Positive pointwise mutual information of every pair counted."""
    from scipy.sparse import csr_matrix

    pairs = counts.tocoo()
    word = np.asarray(counts.sum(axis=1), np.float64).ravel()  # (vocabulary,)
    context = word**CONTEXT_SMOOTHING
    context /= max(context.sum(), 1.0)
    values = np.log(pairs.data / (word[pairs.row] * context[pairs.col]))
    kept = values > 0
    return csr_matrix((values[kept].astype(np.float32), (pairs.row[kept], pairs.col[kept])), shape=counts.shape)
