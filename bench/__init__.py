"""wssdk beside its peers and the floors below them: ``python -m bench``."""
