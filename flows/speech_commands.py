"""The flow of speech_commands."""

from flows.factory import application_flow

speech_commands = application_flow("speech_commands")
