"""GRU networks and how they are trained: stacks, the fused loop, log-mel, the training loop."""
