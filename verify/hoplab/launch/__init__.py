"""What a launch asks the cloud for, and how that is removed again."""
