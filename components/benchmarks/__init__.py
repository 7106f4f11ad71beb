"""`make bench`: speed, cold start and memory beside what others use, side by side in one run."""
