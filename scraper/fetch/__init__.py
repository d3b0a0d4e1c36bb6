"""The way to the network: the client, its limits, and what its errors mean."""
