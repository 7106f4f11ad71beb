"""Bit parity: a made-up application, as a newcomer would add one."""
