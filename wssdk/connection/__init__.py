"""What the user holds: the connection and its schedules."""
