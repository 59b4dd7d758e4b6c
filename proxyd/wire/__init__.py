"""What crosses the wire between broker and proxyd; the only part of `proxyd` that `broker` may import."""
