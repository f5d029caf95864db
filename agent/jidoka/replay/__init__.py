"""Recordings of what a monitor got, and what another configuration or baseline would have made of them."""
