"""The package beside others: tracers, other clients of the API, and ChatOpenAI.

They need the extra `third-party`, which `.ci/run third_party` installs; what is missing is skipped.
With `THIRD_PARTY=all` in the environment it fails.
"""
