"""`make quality`, the numbers in the README, the machine they are from."""
