"""The flow of bit_parity."""

from flows.factory import application_flow

bit_parity = application_flow("bit_parity")
