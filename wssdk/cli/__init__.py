"""What the ``wssdk`` command does."""
