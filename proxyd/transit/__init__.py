"""The process that holds what stands between Fanlight and instances: logins at gateways, and connectors' connections.

A process of its own, so that one login serves all workers, that none is lost with a worker, and that what travels
inside SSH is decrypted beside the processor that draws. See docs/decisions/transit.md.
"""
