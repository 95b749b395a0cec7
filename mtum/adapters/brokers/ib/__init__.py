"""Interactive Brokers as a broker (ports.broker.Broker)."""
