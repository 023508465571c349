"""Tests of the emulator, with plain httpx."""
