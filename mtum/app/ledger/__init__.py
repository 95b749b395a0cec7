"""What the sleeve holds, may spend and has earned."""
