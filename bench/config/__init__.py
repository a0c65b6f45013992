"""Loading a configuration: wssdk beside libraries for settings. ``python -m bench.config``."""
