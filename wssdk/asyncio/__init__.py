"""Module names that users of the field's asyncio client know."""
