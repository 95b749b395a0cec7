"""The trading day: decide, order, watch, settle."""
