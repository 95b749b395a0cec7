"""Mail and other channels behind one port."""
