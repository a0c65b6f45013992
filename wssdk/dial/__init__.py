"""Opens the byte pipe to the peer: addresses, sockets, TLS, proxies."""
